import assert from 'node:assert/strict';
import { test } from 'node:test';
import { todaysBundle } from '../support/orchestra.ts';
import { SCENARIOS } from '../support/scenarios.ts';
import { SEARCH_SCENARIOS } from '../support/search-scenarios.ts';
import { type History, readHistory, recordedFiles, replayComplaints } from './histories.ts';
import { RECORDED } from './scenarios.ts';

const files = recordedFiles();
const { code } = await todaysBundle();
const complaints = (histories: ReadonlyMap<string, History>) => replayComplaints(code, histories);

test(`today's code replays ${files.length} recorded histories`, async () => {
  const found = await complaints(new Map(files.map((file) => [file, readHistory(file)])));
  assert.deepEqual(Object.fromEntries(found), {});
});

test('every scenario has a recorded history', () => {
  const recorded = new Set(files.map((file) => file.replace(/\.\d+\.binpb\.gz$/, '')));
  const scenarios = [SCENARIOS, SEARCH_SCENARIOS, ...RECORDED.map((each) => each.scenarios)];
  assert.deepEqual(
    scenarios.flatMap((each) => Object.keys(each)).filter((name) => !recorded.has(name)),
    [],
  );
});

test('there are histories of more than 1,500 and 4,000 events, and of experiments in several', () => {
  const lengths = new Map(files.map((file) => [file, readHistory(file).events?.length ?? 0]));
  const longer = (events: number) => [...lengths.values()].filter((length) => length > events).length;
  assert.ok(longer(1_500) >= 2 && longer(4_000) >= 1);
  for (const name of ['an-experiment-of-0.1.0-in-several-histories', 'an-experiment-in-several-histories']) {
    assert.ok(files.filter((file) => file.startsWith(`${name}.`)).length >= 4, name);
  }
});

test('a history that another workflow wrote is refused', async () => {
  const history = readHistory('every-trial-runs-once.1.binpb.gz');
  let altered = 0;
  for (const event of history.events ?? []) {
    const type = event.activityTaskScheduledEventAttributes?.activityType;
    if (type?.name !== 'advance') continue;
    type.name = 'proceed';
    altered += 1;
  }
  assert.ok(altered > 0);
  assert.equal((await complaints(new Map([['altered', history]]))).size, 1);
});
