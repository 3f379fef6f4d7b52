import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Orchestra, startOrchestra } from '../support/orchestra.ts';
import { SCENARIOS } from '../support/scenarios.ts';

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
