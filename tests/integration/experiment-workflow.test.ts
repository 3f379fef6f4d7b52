import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Orchestra, startOrchestra } from '../support/orchestra.ts';
import { SCENARIOS } from '../support/scenarios.ts';
import { studiesFor } from '../support/studies.ts';

let orchestra: Orchestra;

before(async () => {
  orchestra = await startOrchestra({ continueAsNewAt: 150 });
});

after(async () => {
  await orchestra?.close();
});

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  test(name.replaceAll('-', ' '), { timeout: 60_000 }, () => scenario(orchestra, name));
}

test('attempts that no run knows are stopped when a run begins, and their ends disturb nobody', async () => {
  const id = 'begins-with-orphans';
  const trials = orchestra.trials(id, 1, 2);
  orchestra.script(() => ({ do: 'run' }));
  const [known] = orchestra.launches;
  assert.ok(known !== undefined);
  const orphan = { ...known, experimentId: id, trialId: 'orphan', attemptId: `${id}-orphan-1` };
  const stranger = { ...known, experimentId: 'nobody', trialId: 'stranger', attemptId: 'nobody-stranger-1' };
  await orchestra.runner.launch([orphan, stranger]);
  orchestra.runner.kill(stranger.attemptId);
  orchestra.script(() => ({ do: 'end', outcome: 'succeeded' }));
  await orchestra.submit(id, trials);
  assert.equal(await orchestra.ended(id), 'succeeded');
  const left = (await orchestra.runner.list(id)).filter((one) => one.state !== 'ended');
  assert.deepEqual(left, []);
});

test('what is wrong with a dataset ends the experiment once, and a retry looks at it again', async () => {
  const id = 'shared-fault';
  const trials = orchestra.trials(id, 3, 4);
  const fault = { do: 'end', outcome: 'invalid', message: 'line 61 is not JSON', subject: 'dataset' } as const;
  orchestra.script(() => fault);
  await orchestra.submit(id, trials, { maxParallel: 1, attempts: 3 });
  assert.equal(await orchestra.ended(id), 'failed');
  const attempts = await orchestra.store.listAttempts(id);
  assert.deepEqual(
    attempts.map(({ end }) => [end?.outcome, end?.subject]),
    [['invalid', 'dataset']],
  );
  const found = await orchestra.store.trialsForComparison(id);
  assert.deepEqual(
    [...new Set(found.map(({ state, message }) => `${state}: ${message}`))],
    [`failed: ${fault.message}`],
  );
  const events = await orchestra.store.experimentEvents(id, 0, 1000);
  const told = events.filter(({ type, data }) => type === 'trial' && (data as { message: unknown }).message !== null);
  assert.equal(told.length, 1);
  assert.ok(events.every(({ data }) => (data as { state?: string }).state !== 'retrying'));

  orchestra.script(() => ({ do: 'end', outcome: 'succeeded' }));
  assert.equal(await orchestra.store.resetTrials(id, { states: ['failed'] }), 12);
  await orchestra.control.start(id);
  assert.equal(await orchestra.ended(id), 'succeeded');
});

test('a search over a dataset that cannot be read suggests nothing more', async () => {
  const id = 'shared-fault-in-a-search';
  const trials = orchestra.trials(id, 1, 1);
  orchestra.script(() => ({ do: 'end', outcome: 'invalid', message: 'a pointer', subject: 'model' }));
  await orchestra.submit(id, trials, {}, studiesFor(trials, id));
  assert.equal(await orchestra.ended(id), 'failed');
  assert.equal(orchestra.launches.filter((launch) => launch.experimentId === id).length, 1);
  const [study] = await orchestra.store.listStudies(id);
  assert.deepEqual([study?.state, study?.message], ['failed', 'a pointer']);
});

test('a run of an experiment that the store does not know fails at once', async () => {
  await orchestra.control.start('unknown-experiment');
  await assert.rejects(orchestra.ended('unknown-experiment'), (error: Error) => {
    assert.match(String((error.cause as Error | undefined)?.cause ?? ''), /is not in the store/);
    return true;
  });
});

test('no experiment ever had more attempts alive than its limit', () => {
  assert.ok(orchestra.runner.peakAlive <= 4, `${orchestra.runner.peakAlive} were alive at once`);
});
