/** What a search must survive, run for real with a tuner that is there; as of `scenarios.ts`, histories are recorded. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptLaunch } from '@lamina/domain/contract/runner.ts';
import { searchWorkflowId } from '@lamina/domain/contract/workflow.ts';
import type { Suggestion } from '@lamina/domain/search/types.ts';
import { sampleResult } from '../conformance/samples.ts';
import { type Orchestra, until } from './orchestra.ts';
import { studiesFor } from './studies.ts';

export const PATIENCE_MS = 600_000;

type SearchScenario = (orchestra: Orchestra, id: string) => Promise<void>;

/** A bowl with its lowest point, 2, at a learning rate of 1e-3 and a weight decay of 0.3. */
export function bowl({ request: { settings } }: AttemptLaunch): number {
  const { learningRate, weightDecay } = settings.training;
  return 2 + (Math.log10(learningRate) + 3) ** 2 + 4 * (weightDecay - 0.3) ** 2;
}

export const BOWL_PARAMETERS = {
  'training.learningRate': { kind: 'float', low: 1e-5, high: 1e-1, log: true, step: null },
  'training.weightDecay': { kind: 'float', low: 0, high: 1, log: false, step: null },
} as const;

export async function suggestionsOf(o: Orchestra, id: string): Promise<readonly Suggestion[]> {
  const studies = await o.store.listStudies(id);
  return (await Promise.all(studies.map(({ study }) => o.store.suggestionsOf(id, study.key)))).flat();
}

export const searchEnded = (o: Orchestra, id: string): Promise<void> =>
  o.temporal.client.workflow.getHandle(searchWorkflowId(id)).result() as Promise<void>;

const PRUNER = {
  kind: 'median',
  every: 5,
  warmupSteps: 5,
  startupTrials: 2,
  reductionFactor: 3,
  maxSteps: 20,
} as const;

export const SEARCH_SCENARIOS: Readonly<Record<string, SearchScenario>> = {
  'a-search-runs-to-its-end': async (o, id) => {
    o.script(() => ({ do: 'end', outcome: 'succeeded' }));
    o.measure(bowl);
    const trials = o.trials(id, 2, 1);
    await o.submit(id, trials, {}, studiesFor(trials, id, { trials: 5, parallel: 2, parameters: BOWL_PARAMETERS }));
    assert.equal(await o.ended(id), 'succeeded');
    await searchEnded(o, id);
    const suggestions = await suggestionsOf(o, id);
    assert.deepEqual(
      suggestions.map(({ number, end, told }) => [number, end?.state, told]),
      [0, 1, 2, 3, 4, 0, 1, 2, 3, 4].map((number) => [number, 'complete', true]),
    );
    assert.deepEqual((await o.store.getExperiment(id))?.counts, { succeeded: 12 });
    assert.deepEqual(
      (await o.store.listStudies(id)).map(({ state }) => state),
      ['closed', 'closed'],
    );
  },

  'trials-that-lag-behind-are-pruned': async (o, id) => {
    const posted = new Set<string>();
    o.script(() => ({ do: 'run' }));
    const trials = o.trials(id, 1, 1);
    const base = trials[0]?.id;
    await o.submit(
      id,
      trials,
      { maxParallel: 2 },
      studiesFor(trials, id, { trials: 5, parallel: 1, parameters: BOWL_PARAMETERS, pruner: PRUNER }),
    );
    const finish = async (launch: AttemptLaunch) => {
      await mkdir(launch.request.paths.output, { recursive: true });
      await writeFile(
        join(launch.request.paths.output, 'result.json'),
        JSON.stringify(sampleResult(launch, 'succeeded')),
      );
      o.runner.kill(launch.attemptId, 'succeeded');
    };
    let open = true;
    while (open) {
      const suggestions = await suggestionsOf(o, id);
      for (const launch of o.launches.filter(({ experimentId }) => experimentId === id)) {
        const known = suggestions.find(({ trialId }) => trialId === launch.trialId);
        const isNew = !posted.has(launch.attemptId);
        if (launch.trialId === base && isNew) await finish(launch);
        else if (known === undefined) continue;
        else if (isNew) await postLosses(o, launch, known.number);
        else if (known.number < 3 && known.end === null && known.reportedStep >= 20) await finish(launch);
        posted.add(launch.attemptId);
      }
      await sleep(100);
      open = (await o.store.listStudies(id)).some(({ state }) => state === 'open');
    }
    assert.equal(await o.ended(id), 'succeeded');
    await searchEnded(o, id);
    assert.deepEqual(
      (await suggestionsOf(o, id)).map(({ end, told }) => [end?.state, told]),
      ['complete', 'complete', 'complete', 'pruned', 'pruned'].map((state) => [state, true]),
    );
    assert.deepEqual((await o.store.getExperiment(id))?.counts, { succeeded: 4, pruned: 2 });
  },

  'cancelling-ends-a-search-in-the-middle': async (o, id) => {
    o.script(({ trialId }) => (trialId === trials[0]?.id ? { do: 'end', outcome: 'succeeded' } : { do: 'run' }));
    const trials = o.trials(id, 1, 1);
    await o.submit(id, trials, {}, studiesFor(trials, id, { trials: 10, parallel: 2, parameters: BOWL_PARAMETERS }));
    await until(
      async () => ((await o.store.getExperiment(id))?.counts.running ?? 0) === 2,
      'two suggestions are tried',
      PATIENCE_MS,
    );
    await o.control.cancel(id);
    assert.equal(await o.ended(id), 'cancelled');
    await searchEnded(o, id);
    assert.deepEqual((await o.store.getExperiment(id))?.counts, { succeeded: 1, cancelled: 2 });
    assert.deepEqual(
      (await suggestionsOf(o, id)).map(({ end }) => [end?.state, end?.message]),
      [
        ['failed', 'cancelled'],
        ['failed', 'cancelled'],
      ],
    );
    assert.deepEqual(
      (await o.store.listStudies(id)).map(({ state }) => state),
      ['cancelled'],
    );
  },
};

/** Twenty steps, of a loss that is low for the first three suggestions. */
async function postLosses(o: Orchestra, { attemptId }: AttemptLaunch, number: number): Promise<void> {
  const rest = { steps: 20, learningRate: 1e-3, gradNorm: null, stepSeconds: 1, tokensPerSecond: 1, memoryBytes: null };
  const events = Array.from({ length: 20 }, (_, index) => {
    const at = new Date().toISOString();
    return { seq: index + 1, at, type: 'step', step: index + 1, loss: number < 3 ? 2 : 6, ...rest } as const;
  });
  await o.store.appendTrialEvents(attemptId, events);
}
