import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median } from '../statistics.ts';
import { publishedErrors } from './errors.ts';

const judged = publishedErrors().filter(({ publication }) => publication.notJudged === null);
const divided = judged.filter(({ publication }) => publication.settings.shards > 1);

test('against published measurements: on one GPU and on several a small median, none 15 % too low', () => {
  const sizes = (rows: typeof judged) => median(rows.map(({ error }) => Math.abs(error)));
  assert.equal(judged.length, 143);
  assert.equal(divided.length, 68);
  assert.ok(sizes(judged.filter((row) => !divided.includes(row))) < 0.05);
  assert.ok(sizes(divided) < 0.08);
  for (const { publication, error } of judged) assert.ok(error > -0.15 && error < 0.2, `${publication.id}: ${error}`);
});

test('four GPUs are as near as the two whose rows the terms of FSDP were read from', () => {
  const on = (gpus: number) =>
    median(divided.flatMap((row) => (row.publication.settings.shards === gpus ? [Math.abs(row.error)] : [])));
  assert.ok(on(4) < 0.05 && on(2) < 0.05, `${on(4)} ${on(2)}`);
});

test('what a ladder of optimizations takes away, the estimate takes away in the same order', () => {
  const ladder = judged.filter(({ publication }) => publication.id.startsWith('torchtune-3b'));
  const estimates = ladder.map(({ estimatedBytes }) => estimatedBytes);
  assert.deepEqual(
    estimates,
    estimates.toSorted((a, b) => b - a),
  );
});
