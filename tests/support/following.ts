import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@lamina/cli/client.ts';
import type { ExperimentDetail, TrialDetail } from '@lamina/domain/contract/api.ts';

const ENDED: readonly string[] = ['succeeded', 'failed', 'cancelled'];

export async function untilExperiment(
  client: Client,
  id: string,
  what: (experiment: ExperimentDetail) => boolean,
  withinMs: number,
  everyMs = 100,
): Promise<ExperimentDetail> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const experiment = await client.show(id);
    if (what(experiment)) return experiment;
    assert.ok(performance.now() < giveUpAt, `still ${experiment.state}: ${JSON.stringify(experiment.counts)}`);
    await sleep(everyMs);
  }
}

export function untilEnded(client: Client, id: string, withinMs: number, everyMs?: number): Promise<ExperimentDetail> {
  return untilExperiment(client, id, ({ state }) => ENDED.includes(state), withinMs, everyMs);
}

/** Every trial with its attempts and result. */
export async function trialDetails(client: Client, id: string): Promise<TrialDetail[]> {
  const trials = await client.trials(id);
  return Promise.all(trials.map((trial) => client.trial(id, trial.id)));
}
