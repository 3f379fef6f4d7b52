/** Searches with a real tuner, and trials that end at once with a loss that is known. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Orchestra, startOrchestra, until } from '../support/orchestra.ts';
import {
  BOWL_PARAMETERS,
  bowl,
  PATIENCE_MS,
  SEARCH_SCENARIOS,
  searchEnded,
  suggestionsOf,
} from '../support/search-scenarios.ts';
import { studiesFor } from '../support/studies.ts';
import { startTuner, type TestTuner } from '../support/tuner.ts';

let orchestra: Orchestra;
let tuner: TestTuner;

before(async () => {
  orchestra = await startOrchestra({ continueAsNewAt: 300 });
  tuner = await startTuner(orchestra);
});

after(async () => {
  await tuner?.close();
  await orchestra?.close();
});

for (const [name, scenario] of Object.entries(SEARCH_SCENARIOS)) {
  test(name.replaceAll('-', ' '), { timeout: PATIENCE_MS }, () => scenario(orchestra, name));
}

/** A study of one cell of the bowl. */
async function searchBowl(id: string, count: number, parallel: number): Promise<void> {
  const trials = orchestra.trials(id, 1, 1);
  orchestra.script(() => ({ do: 'end', outcome: 'succeeded' }));
  orchestra.measure(bowl);
  const studies = studiesFor(trials, id, { trials: count, parallel, parameters: BOWL_PARAMETERS });
  await orchestra.submit(id, trials, { maxParallel: parallel }, studies);
}

async function ended(id: string): Promise<number> {
  return (await suggestionsOf(orchestra, id)).filter(({ end }) => end !== null).length;
}

test('five kills of the tuner and a restart of the worker: forty suggestions all the same, and the optimum', {
  timeout: 2 * PATIENCE_MS,
}, async () => {
  const id = 'forty';
  await searchBowl(id, 40, 2);
  for (let kill = 1; kill <= 5; kill += 1) {
    await until(async () => (await ended(id)) >= kill * 6, `${kill * 6} suggestions have ended`, PATIENCE_MS);
    await tuner.kill();
    if (kill === 3) await orchestra.restartWorker();
  }
  assert.equal(await orchestra.ended(id), 'succeeded');
  await searchEnded(orchestra, id);
  const suggestions = await suggestionsOf(orchestra, id);
  assert.deepEqual(
    suggestions.map(({ number }) => number),
    Array.from({ length: 40 }, (_, number) => number),
  );
  assert.ok(suggestions.every(({ end, told }) => end?.state === 'complete' && told));
  const [study] = await orchestra.store.listStudies(id);
  assert.deepEqual(await tuner.trials(study?.study.spec.name ?? ''), { COMPLETE: 40 });
  const best = suggestions.reduce((a, b) => ((a.end?.values?.[0] ?? 99) <= (b.end?.values?.[0] ?? 99) ? a : b));
  assert.ok((best.end?.values?.[0] ?? 99) < 2.15, JSON.stringify(best));
  for (const [trialId, launches] of Map.groupBy(
    orchestra.launches.filter((launch) => launch.experimentId === id),
    (launch) => launch.trialId,
  )) {
    assert.equal(launches.length, 1, `${trialId} was run once`);
  }
});

test('one at a time, the same seed suggests the same, also when the tuner is killed in between', {
  timeout: 2 * PATIENCE_MS,
}, async () => {
  await searchBowl('quiet', 14, 1);
  assert.equal(await orchestra.ended('quiet'), 'succeeded');
  await searchBowl('disturbed', 14, 1);
  await until(async () => (await ended('disturbed')) >= 6, 'some have ended', PATIENCE_MS);
  await tuner.kill();
  assert.equal(await orchestra.ended('disturbed'), 'succeeded');
  const parametersOf = async (id: string) => (await suggestionsOf(orchestra, id)).map(({ parameters }) => parameters);
  assert.deepEqual(await parametersOf('disturbed'), await parametersOf('quiet'));
});

test('a paused experiment asks for nothing until it is resumed', { timeout: PATIENCE_MS }, async () => {
  const id = 'paused-search';
  const trials = orchestra.trials(id, 1, 1);
  orchestra.script(() => ({ do: 'run' }));
  const studies = studiesFor(trials, id, { trials: 3, parallel: 1, parameters: BOWL_PARAMETERS });
  await orchestra.submit(id, trials, { maxParallel: 2 }, studies);
  const running = () => orchestra.launches.filter((launch) => launch.experimentId === id);
  await until(() => running().length === 2, 'the cell and one suggestion are tried', PATIENCE_MS);
  await orchestra.control.pause(id);
  orchestra.script(() => ({ do: 'end', outcome: 'succeeded' }));
  for (const { attemptId } of running()) orchestra.runner.kill(attemptId, 'invalid');
  await until(async () => (await ended(id)) === 1, 'the suggestion has ended', PATIENCE_MS);
  await until(async () => (await suggestionsOf(orchestra, id))[0]?.told === true, 'the tuner knows', PATIENCE_MS);
  await sleep(500);
  assert.equal((await suggestionsOf(orchestra, id)).length, 1);
  await orchestra.control.resume(id);
  assert.equal(await orchestra.ended(id), 'failed');
  assert.deepEqual(
    (await suggestionsOf(orchestra, id)).map(({ end }) => end?.state),
    ['failed', 'complete', 'complete'],
  );
});

test('what the tuner refuses ends its study, with the reason, and not its experiment', {
  timeout: PATIENCE_MS,
}, async () => {
  const id = 'refused';
  const trials = orchestra.trials(id, 1, 1);
  const empty = { kind: 'float', low: 2, high: 1, log: false, step: null } as const;
  orchestra.script(() => ({ do: 'end', outcome: 'succeeded' }));
  await orchestra.submit(id, trials, {}, studiesFor(trials, id, { parameters: { 'training.weightDecay': empty } }));
  assert.equal(await orchestra.ended(id), 'succeeded');
  const [study] = await orchestra.store.listStudies(id);
  assert.equal(study?.state, 'failed');
  assert.match(study.message ?? '', /weightDecay/);
});

test('a search that is cancelled while no tuner is there ends as well', { timeout: PATIENCE_MS }, async () => {
  await tuner.close();
  const id = 'no-tuner';
  const trials = orchestra.trials(id, 1, 1);
  orchestra.script(() => ({ do: 'end', outcome: 'succeeded' }));
  await orchestra.submit(id, trials, {}, studiesFor(trials, id));
  await until(async () => (await orchestra.store.getExperiment(id))?.counts.succeeded === 1, 'the cell is measured');
  assert.equal((await orchestra.store.getExperiment(id))?.state, 'running');
  await orchestra.control.cancel(id);
  assert.equal(await orchestra.ended(id), 'cancelled');
  await searchEnded(orchestra, id);
});
