/** No entry of the protocol can be changed without a recorded history that no longer replays. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { RULES } from '@lamina/domain/run/protocol/rules.ts';
import { readHistory, replayComplaints } from './histories.ts';
import { MISTAKES } from './mistakes.ts';

const BUILDER = fileURLToPath(import.meta.resolve('@lamina/worker/build-bundle.ts'));

const planted = Object.entries(MISTAKES).flatMap(([rule, mistakes]) =>
  Object.entries(mistakes).map(([name, { noticedBy }]) => ({ rule, name, noticedBy: `${noticedBy}.binpb.gz` })),
);

let complaints: ReadonlyMap<string, string>;

before(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-mistakes-'));
  try {
    const file = join(folder, 'workflows.js');
    const workflows = join(import.meta.dirname, 'mistaken-workflows.ts');
    await promisify(execFile)(process.execPath, [BUILDER, workflows, file]);
    const unchanged = [...new Set(planted.map(({ noticedBy }) => noticedBy))].map((file) => ['', '', file] as const);
    const changed = planted.map(({ rule, name, noticedBy }) => [rule, name, noticedBy] as const);
    const histories = [...unchanged, ...changed].map((each) => [each.join('|'), readHistory(each[2])] as const);
    complaints = await replayComplaints(readFileSync(file, 'utf8'), new Map(histories));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('without a mistake these histories replay', () => {
  assert.deepEqual(
    [...complaints.keys()].filter((id) => id.startsWith('|')),
    [],
  );
});

test('every entry of the protocol has a mistake', () => {
  const without = Object.entries(MISTAKES).filter(([, mistakes]) => Object.keys(mistakes).length === 0);
  assert.deepEqual(without, []);
  assert.deepEqual(Object.keys(MISTAKES).toSorted(), Object.keys(RULES).toSorted());
});

for (const { rule, name, noticedBy } of planted) {
  test(`${rule}, ${name}: a replay fails`, () => {
    assert.match(complaints.get(`${rule}|${name}|${noticedBy}`) ?? 'it replays', /Nondeterminism error/);
  });
}
