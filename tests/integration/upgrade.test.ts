/** What a release has started, today's code finishes: on real Temporal, with the worker exchanged in the middle. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { experimentWorkflowId, INPUT_VERSION, searchWorkflowId } from '@lamina/domain/contract/workflow.ts';
import { STATE_VERSION } from '@lamina/domain/run/protocol/state.ts';
import { releasedBundle, releases } from '../replay/releases.ts';
import { type Orchestra, startOrchestra, todaysBundle, until } from '../support/orchestra.ts';
import { SCENARIOS } from '../support/scenarios.ts';
import { startScriptedTuner } from '../support/scripted-tuner.ts';
import { searchEnded, suggestionsOf } from '../support/search-scenarios.ts';
import { studiesFor } from '../support/studies.ts';

const SUCCEED = { do: 'end', outcome: 'succeeded' } as const;
/** Long enough for the sticky queue of a worker that has gone to be given up. */
const TIMEOUT_MS = 120_000;

const [oldest] = releases();
let o: Orchestra;

before(async () => {
  o = await startOrchestra({ continueAsNewAt: 150, bundle: releasedBundle(oldest?.version ?? '') });
});
after(() => o?.close());

interface ExperimentRun {
  readonly runId: string;
  readonly input: { readonly version?: number; readonly carried?: { readonly version?: number } };
}

/** The run that is, or was, the last one of the workflow. */
async function lastRun(workflowId: string): Promise<ExperimentRun> {
  const { runId } = await o.temporal.client.workflow.getHandle(workflowId).describe();
  const history = await o.temporal.client.workflow.getHandle(workflowId, runId).fetchHistory();
  const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
  return { runId, input: JSON.parse(Buffer.from(started?.input?.payloads?.[0]?.data ?? '{}').toString()) };
}

const launchesOf = (id: string) => o.launches.filter(({ experimentId }) => experimentId === id);
const countsOf = async (id: string) => (await o.store.getExperiment(id))?.counts;

for (const { version } of releases()) {
  const release = () => o.restartWorker(releasedBundle(version));
  const exchange = async () => o.restartWorker(await todaysBundle());

  test(`an experiment that ${version} started`, { timeout: TIMEOUT_MS }, async () => {
    await release();
    const id = `plain-${version}`;
    o.script(() => ({ do: 'end', outcome: 'succeeded', afterMs: 100 }));
    await o.submit(id, o.trials(id, 3, 4));
    await until(() => launchesOf(id).length >= 4, 'attempts are launched');
    await exchange();
    assert.equal(await o.ended(id), 'succeeded');
    assert.deepEqual(await countsOf(id), { succeeded: 12 });
    assert.equal(launchesOf(id).length, 12);
  });

  test(`an experiment that waits for its back-off and was paused under ${version}`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    await release();
    const id = `paused-${version}`;
    o.script(({ attempt }) => (attempt === 1 ? { do: 'end', outcome: 'crashed', afterMs: 20 } : SUCCEED));
    await o.submit(id, o.trials(id, 1, 3), { maxParallel: 3, backoff: { initialMs: 1_000, factor: 1, maxMs: 1_000 } });
    const crashed = async () => (await o.store.listAttempts(id)).filter(({ end }) => end !== null).length;
    await until(async () => (await crashed()) === 3, 'all have crashed');
    await o.control.pause(id);
    await exchange();
    await sleep(1_000);
    assert.equal(launchesOf(id).length, 3, 'nothing starts while it is paused');
    await o.control.resume(id);
    assert.equal(await o.ended(id), 'succeeded');
    assert.equal(launchesOf(id).length, 6);
  });

  test(`an experiment whose history ${version} has cut off`, { timeout: TIMEOUT_MS }, async () => {
    await release();
    const id = `cut-off-${version}`;
    const workflowId = experimentWorkflowId(id);
    o.script(({ attempt }) => (attempt === 1 ? { do: 'end', outcome: 'disrupted', afterMs: 10 } : SUCCEED));
    await o.submit(id, o.trials(id, 10, 6), { maxParallel: 2 });
    const first = await lastRun(workflowId);
    await until(async () => (await lastRun(workflowId)).runId !== first.runId, 'a second history', 60_000);
    const { input } = await lastRun(workflowId);
    await exchange();
    if (version === '0.1.0') assert.deepEqual([input.version, input.carried?.version], [undefined, undefined]);
    assert.equal(await o.ended(id), 'succeeded');
    assert.deepEqual(await countsOf(id), { succeeded: 60 });
    assert.equal(launchesOf(id).length, 120);
    const last = (await lastRun(workflowId)).input;
    assert.deepEqual([last.version, last.carried?.version], [INPUT_VERSION, STATE_VERSION]);
  });

  test(`a search that ${version} started`, { timeout: TIMEOUT_MS }, async () => {
    await release();
    const tuner = await startScriptedTuner(o);
    try {
      const id = `search-${version}`;
      const trials = o.trials(id, 1, 1);
      o.script(() => ({ do: 'end', outcome: 'succeeded', afterMs: 50 }));
      await o.submit(id, trials, {}, studiesFor(trials, id, { trials: 8, parallel: 2 }));
      const ended = async () => (await suggestionsOf(o, id)).filter(({ end }) => end !== null).length;
      await until(async () => (await ended()) >= 2, 'two suggestions have ended', 60_000);
      await exchange();
      assert.ok((await ended()) < 8, 'it was exchanged in the middle');
      const told = async () => (await suggestionsOf(o, id)).filter((suggestion) => suggestion.told).length;
      await until(async () => (await told()) === 8, 'every suggestion is told', 60_000);
      // It would look by itself, in half a minute.
      await o.control.search(id);
      assert.equal(await o.ended(id), 'succeeded');
      await searchEnded(o, id);
      assert.deepEqual(
        (await suggestionsOf(o, id)).map(({ number, end, told }) => [number, end?.state, told]),
        [0, 1, 2, 3, 4, 5, 6, 7].map((number) => [number, 'complete', true]),
      );
      const { status } = await o.temporal.client.workflow.getHandle(searchWorkflowId(id)).describe();
      assert.equal(status.name, 'COMPLETED');
    } finally {
      await tuner.close();
    }
  });

  test(`data that were being generated under ${version}`, { timeout: TIMEOUT_MS }, async () => {
    await release();
    // It exchanges the worker itself, while the experiment is paused.
    await SCENARIOS['a-pause-while-data-are-generated-holds-for-the-trials']?.(o, `generated-${version}`);
  });
}
