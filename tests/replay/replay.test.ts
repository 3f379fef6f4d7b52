import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { workflowBundle } from '@lamina/worker/bundle.ts';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { SCENARIOS } from '../support/scenarios.ts';
import { SEARCH_SCENARIOS } from '../support/search-scenarios.ts';
import { decodeHistory, HISTORIES, type History } from './histories.ts';

Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });

const files = readdirSync(HISTORIES).filter((file) => file.endsWith('.binpb.gz'));
const bundle = await workflowBundle(join(tmpdir(), 'lamina-bundles'));

function read(file: string): History {
  return decodeHistory(readFileSync(join(HISTORIES, file)));
}

/** What a replay complains about, by file. */
async function complaints(histories: ReadonlyMap<string, History>): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const input = [...histories].map(([workflowId, history]) => ({ workflowId, history }));
  let replayed = 0;
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle: bundle }, input)) {
    replayed += 1;
    if (error !== undefined) found.set(workflowId, error.message);
  }
  assert.equal(replayed, histories.size);
  return found;
}

test(`today's code replays ${files.length} recorded histories`, async () => {
  const found = await complaints(new Map(files.map((file) => [file, read(file)])));
  assert.deepEqual(Object.fromEntries(found), {});
});

test('every scenario has a recorded history', () => {
  const recorded = new Set(files.map((file) => file.split('.')[0]));
  assert.deepEqual(
    Object.keys({ ...SCENARIOS, ...SEARCH_SCENARIOS }).filter((name) => !recorded.has(name)),
    [],
  );
});

test('a history that another workflow wrote is refused', async () => {
  const history = read('every-trial-runs-once.1.binpb.gz');
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
