import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median } from '../statistics.ts';
import { publishedErrors } from './errors.ts';

const judged = publishedErrors().filter(({ publication }) => publication.notJudged === null);

test('against published measurements: median below 8 %, none off by more than 25 %, none 15 % too low', () => {
  assert.equal(judged.length, 25);
  assert.ok(median(judged.map(({ error }) => Math.abs(error))) < 0.08);
  for (const { publication, error } of judged) assert.ok(error > -0.15 && error < 0.25, `${publication.id}: ${error}`);
});

test('what a ladder of optimizations takes away, the estimate takes away in the same order', () => {
  const ladder = judged.filter(({ publication }) => publication.id.startsWith('torchtune-3b'));
  const estimates = ladder.map(({ estimatedBytes }) => estimatedBytes);
  assert.deepEqual(
    estimates,
    estimates.toSorted((a, b) => b - a),
  );
});
