import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endText, pastErrorText } from './forecast.ts';

const NOW = new Date(2026, 2, 1, 14, 0).getTime();
const at = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString();

test('an end is a time of day with its interval, seconds only near the end, the day if it is another', () => {
  const end = { low: at(20), median: at(32), high: at(65) };
  assert.equal(endText({ end, unknown: null }, NOW), 'about 14:32 (14:20–15:05)');
  const soon = { low: at(1), median: at(1.5), high: at(2) };
  assert.equal(endText({ end: soon, unknown: null }, NOW), 'about 14:01:30 (14:01:00–14:02:00)');
  const late = { low: at(32), median: at(700), high: at(800) };
  assert.equal(endText({ end: late, unknown: null }, NOW), 'about 2 Mar, 01:40 (14:32–2 Mar, 03:20)');
});

test('what is not known says why', () => {
  assert.equal(
    endText({ end: null, unknown: 'no like trial has run yet' }, NOW),
    'not known: no like trial has run yet',
  );
});

test('past errors are stated as they are', () => {
  assert.match(pastErrorText({ n: 0, medianError: null, coverage: null, widening: 1 }), /no forecast has been checked/);
  assert.match(pastErrorText({ n: 12, medianError: 0.123, coverage: 0.75, widening: 1.2 }), /12 %; 75 % ended/);
});
