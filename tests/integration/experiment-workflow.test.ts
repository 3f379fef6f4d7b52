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

test('no experiment ever had more attempts alive than its limit', () => {
  assert.ok(orchestra.runner.peakAlive <= 4, `${orchestra.runner.peakAlive} were alive at once`);
});
