/** Several builds of the worker at once, on real Temporal: runs stay with theirs, and move on in a new history. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { experimentWorkflowId, SIGNALS, searchWorkflowId } from '@lamina/domain/contract/workflow.ts';
import type { WorkflowBundle } from '@lamina/worker/bundle.ts';
import type { Deployment } from '@lamina/worker/deployment.ts';
import type { RunningWorker } from '@lamina/worker/worker.ts';
import { releasedBundle } from '../replay/releases.ts';
import { type Orchestra, startOrchestra, todaysBundle, until } from '../support/orchestra.ts';
import { startScriptedTuner } from '../support/scripted-tuner.ts';
import { searchEnded, suggestionsOf } from '../support/search-scenarios.ts';
import { studiesFor } from '../support/studies.ts';

const DEPLOYMENT: Deployment = { name: 'lamina', promotion: 'first-start' };
const RUN = { do: 'run' } as const;
const TIMEOUT_MS = 120_000;

let o: Orchestra;
let today: WorkflowBundle;
const workers = new Map<string, RunningWorker>();

before(async () => {
  today = await todaysBundle();
  o = await startOrchestra({ bundle: releasedBundle('0.1.0') });
});
after(async () => {
  for (const worker of workers.values()) await worker.close();
  await o?.close();
});

/** Today's workflows as a build of this name. */
async function add(buildId: string): Promise<void> {
  workers.set(buildId, await o.addWorker({ ...today, buildId }, DEPLOYMENT));
}

async function remove(buildId: string): Promise<void> {
  await workers.get(buildId)?.close();
  workers.delete(buildId);
}

/** The build that the last run of a workflow belongs to; null where it belongs to none. */
async function buildOf(workflowId: string): Promise<string | null> {
  const { raw } = await o.temporal.client.workflow.getHandle(workflowId).describe();
  return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? null;
}

/** Ids of workflows that are under way and belong to a build, as a platform team asks for them. */
async function runsOf(buildId: string): Promise<readonly string[]> {
  const query = `TemporalWorkerDeploymentVersion="lamina:${buildId}" AND ExecutionStatus="Running"`;
  return Array.fromAsync(o.temporal.client.workflow.list({ query }), ({ workflowId }) => workflowId);
}

async function currentBuild(): Promise<string | undefined> {
  const { workerDeploymentInfo } = await o.temporal.client.workflowService.describeWorkerDeployment({
    namespace: o.temporal.client.options.namespace,
    deploymentName: DEPLOYMENT.name,
  });
  return workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId ?? undefined;
}

const launchesOf = (id: string) => o.launches.filter(({ experimentId }) => experimentId === id);

async function endAll(id: string): Promise<void> {
  o.script(() => ({ do: 'end', outcome: 'succeeded' }));
  for (const { attemptId, state } of await o.runner.list(id)) {
    if (state !== 'ended') o.runner.kill(attemptId, 'disrupted');
  }
  assert.equal(await o.ended(id), 'succeeded');
}

/** An experiment with a trial that runs until it is ended. */
async function underWay(id: string): Promise<void> {
  o.script(() => RUN);
  await o.submit(id, o.trials(id, 1, 2), { maxParallel: 1, reconcileMs: 300 });
  await until(() => launchesOf(id).length === 1, `an attempt of ${id} is launched`);
}

test('a run of 0.1.0, whose workers had no version, is taken up by the first build that has one', {
  timeout: TIMEOUT_MS,
}, async () => {
  await underWay('unversioned');
  assert.equal(await buildOf(experimentWorkflowId('unversioned')), null);
  await add('first');
  assert.equal(await currentBuild(), 'first');
  await until(async () => (await buildOf(experimentWorkflowId('unversioned'))) === 'first', 'it is taken up', 30_000);
  await endAll('unversioned');
});

test('a run under way moves on to a new build in a new history, and the old build has nothing left', {
  timeout: TIMEOUT_MS,
}, async () => {
  const id = 'moves-on';
  await underWay(id);
  const workflowId = experimentWorkflowId(id);
  assert.equal(await buildOf(workflowId), 'first');
  const before = await o.temporal.client.workflow.getHandle(workflowId).describe();
  await add('second');
  assert.equal(await currentBuild(), 'second');
  await until(async () => (await buildOf(workflowId)) === 'second', 'it has moved', 30_000);
  const now = await o.temporal.client.workflow.getHandle(workflowId).describe();
  assert.notEqual(now.runId, before.runId);
  await endAll(id);
  assert.equal(launchesOf(id).length, 3, 'the attempt that was alive was not started again by the move');
});

test('a restarted worker of the old build takes no new runs back', { timeout: TIMEOUT_MS }, async () => {
  await remove('first');
  await add('first');
  assert.equal(await currentBuild(), 'second');
  await underWay('new-run');
  assert.equal(await buildOf(experimentWorkflowId('new-run')), 'second');
  await endAll('new-run');
});

test('a paused run with nothing alive moves when it is sent an empty signal, and stays paused', {
  timeout: TIMEOUT_MS,
}, async () => {
  const id = 'paused';
  const workflowId = experimentWorkflowId(id);
  await underWay(id);
  await o.control.pause(id);
  o.runner.kill(launchesOf(id)[0]?.attemptId ?? '', 'disrupted');
  await until(async () => (await o.store.listAttempts(id))[0]?.end !== null, 'its attempt is recorded');
  await until(async () => (await runsOf('second')).includes(workflowId), 'the old build has it', 30_000);
  await add('third');
  assert.equal(await buildOf(workflowId), 'second');
  // Signals sooner than the server's task queues know of the new build change nothing.
  const moved = async () => {
    if ((await buildOf(workflowId)) === 'third') return true;
    await o.temporal.client.workflow.getHandle(workflowId).signal(SIGNALS.attemptsEnded, []);
    await sleep(500);
    return false;
  };
  await until(moved, 'it has moved', 30_000);
  await until(async () => (await runsOf('second')).length === 0, 'the old build is drained', 30_000);
  await remove('second');
  assert.equal((await o.store.getExperiment(id))?.state, 'paused');
  assert.equal(launchesOf(id).length, 1);
  await o.control.resume(id);
  await until(() => launchesOf(id).length === 2, 'it goes on');
  await endAll(id);
});

test('a search moves on as well, and asks a tuner that has no version', { timeout: TIMEOUT_MS }, async () => {
  const tuner = await startScriptedTuner(o);
  try {
    const id = 'searched';
    const trials = o.trials(id, 1, 1);
    o.script(() => ({ do: 'end', outcome: 'succeeded', afterMs: 300 }));
    await o.submit(id, trials, {}, studiesFor(trials, id, { trials: 8, parallel: 2 }));
    await until(
      async () => (await suggestionsOf(o, id)).some(({ end }) => end !== null),
      'a suggestion has ended',
      30_000,
    );
    assert.equal(await buildOf(searchWorkflowId(id)), 'third');
    await add('fourth');
    await until(async () => (await buildOf(searchWorkflowId(id))) === 'fourth', 'it has moved', 60_000);
    await until(async () => (await buildOf(experimentWorkflowId(id))) === 'fourth', 'so has the experiment', 60_000);
    await remove('third');
    const told = async () => (await suggestionsOf(o, id)).filter((suggestion) => suggestion.told).length;
    await until(async () => (await told()) === 8, 'every suggestion is told', 60_000);
    await o.control.search(id);
    assert.equal(await o.ended(id), 'succeeded');
    await searchEnded(o, id);
  } finally {
    await tuner.close();
  }
});

test('a run whose build has gone stands still until it is moved, and is then replayed by another', {
  timeout: TIMEOUT_MS,
}, async () => {
  const id = 'left-behind';
  const workflowId = experimentWorkflowId(id);
  await underWay(id);
  await remove('fourth');
  await add('fifth');
  o.script(() => ({ do: 'end', outcome: 'succeeded' }));
  o.runner.kill(launchesOf(id)[0]?.attemptId ?? '', 'disrupted');
  await sleep(3_000);
  assert.deepEqual([await buildOf(workflowId), launchesOf(id).length], ['fourth', 1]);
  await o.temporal.client.workflowService.updateWorkflowExecutionOptions({
    namespace: o.temporal.client.options.namespace,
    workflowExecution: { workflowId },
    workflowExecutionOptions: {
      versioningOverride: {
        oneTime: { targetDeploymentVersion: { deploymentName: DEPLOYMENT.name, buildId: 'fifth' } },
      },
    },
    updateMask: { paths: ['versioning_override'] },
  });
  assert.equal(await o.ended(id), 'succeeded');
  assert.equal(await buildOf(workflowId), 'fifth');
});
