import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ForecastView } from '@lamina/domain/contract/forecast.ts';
import { accuracyText, durationText, endText, previewForecastText } from './forecast.ts';

const NOW = new Date(2026, 2, 1, 14, 0).getTime();
const at = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString();
const moment = (low: number, median: number, high: number) => ({ low: at(low), median: at(median), high: at(high) });
const UNCHECKED = { n: 0, medianError: null, coverage: null, widening: 1 };
const FORECAST: ForecastView = {
  madeAt: at(0),
  start: moment(0, 0, 0),
  end: moment(20, 32, 65),
  unknown: null,
  trialsOfOthers: 0,
  trialHours: { low: 2.88, median: 3.21, high: 3.9 },
  gpuHours: null,
  cost: null,
  pastError: UNCHECKED,
};

test('an end is a time of day, or seconds when it is near, or why it is not known', () => {
  assert.equal(endText(FORECAST, NOW), 'ends about 14:32 (14:20–15:05)');
  assert.equal(endText({ end: moment(0.5, 0.75, 1.2), unknown: null }, NOW), 'ends in about 45s (30s–1m 12s)');
  assert.equal(
    endText({ end: moment(20, 700, 800), unknown: null }, NOW),
    'ends about 2 Mar 01:40 (14:20–2 Mar 03:20)',
  );
  const unknown = 'no like trial has run yet';
  assert.equal(endText({ end: null, unknown }, NOW), 'end not known (no like trial has run yet)');
});

test('a duration has its interval, and says when it is rough', () => {
  const seconds = { low: 80, median: 90, high: 130 };
  assert.equal(durationText({ seconds, basis: 'same-cell', n: 4 }), '1m 30s (1m 20s–2m 10s)');
  assert.equal(durationText({ seconds, basis: 'rough', n: 4 }), '1m 30s (1m 20s–2m 10s), roughly');
  assert.equal(durationText(null), '–');
});

test('a preview says when, how much, and what such answers were worth', () => {
  assert.equal(
    previewForecastText(FORECAST, NOW),
    'It would start at once, and end about 14:32 (14:20–15:05); 3.2 (2.9–3.9) trial-hours. No forecast has been checked yet.',
  );
  const costly = { ...FORECAST, gpuHours: { low: 1, median: 2, high: 3 }, cost: { low: 4, median: 5, high: 6 } };
  const waiting = { ...costly, start: moment(10, 15, 20), trialsOfOthers: 3 };
  assert.match(
    previewForecastText(waiting, NOW),
    /^It would start about 14:15 \(14:10–14:20\) \(GPUs are shared with 3 trials of others\), and end .*; 2 \(1–3\) GPU-hours, cost 5 \(4–6\)\./,
  );
  const unknown = { ...FORECAST, end: null, unknown: 'no like trial has run yet' };
  assert.equal(
    previewForecastText(unknown, NOW),
    'It would start at once; when it would end is not known: no like trial has run yet.',
  );
});

test('past errors: none, few, enough', () => {
  assert.equal(accuracyText(UNCHECKED), 'No forecast has been checked yet.');
  assert.equal(
    accuracyText({ n: 1, medianError: 0.2, coverage: 1, widening: 1 }),
    'The one forecast so far was off by 20 %; the interval is not checked by so few.',
  );
  assert.equal(
    accuracyText({ n: 23, medianError: 0.12, coverage: 0.74, widening: 1.4 }),
    'Of 23 forecasts so far half were off by less than 12 %; 74 % ended inside their interval (80 % promised), and this one is widened for it.',
  );
});
