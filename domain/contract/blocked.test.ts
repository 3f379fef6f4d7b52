import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockedOf } from './blocked.ts';
import { blockedText } from './blocked-text.ts';

const EARLY = '2026-01-01T00:00:00.000Z';
const LATE = '2026-01-01T01:00:00+00:00';
const failing = (since: string, retrying = true) => ({ lastError: 'away.', since, retrying });

test('nothing that fails blocks nothing', () => {
  assert.equal(blockedOf({}), null);
});

test('what was given up is shown first, then what has failed for the longest time', () => {
  assert.equal(blockedOf({ advance: failing(LATE), searchStep: failing(EARLY) })?.activity, 'searchStep');
  assert.equal(blockedOf({ advance: failing(LATE, false), searchStep: failing(EARLY) })?.activity, 'advance');
});

test('every activity has a sentence, one that nobody knows as well', () => {
  const sentences = ['begin', 'prepare', 'advance', 'searchStep', 'applySearch', 'advance_study', 'novel'].map(
    (activity) => blockedOf({ [activity]: failing(EARLY) })?.sentence ?? '',
  );
  assert.equal(new Set(sentences).size, 7);
  assert.deepEqual(
    sentences.flatMap((sentence, index) => (sentence.includes('its step') ? [index] : [])),
    [6],
  );
});

test('people read what cannot be done, the last error, since when, and what comes next', () => {
  const retrying = blockedOf({ begin: failing(EARLY) });
  assert.ok(retrying !== null);
  assert.equal(
    blockedText(retrying, 'for 3m'),
    'blocked for 3m: its run cannot begin. Last error: away. It goes on by itself once the cause is gone.',
  );
  assert.match(blockedText({ ...retrying, retrying: false }, 'for 3m'), /resume the experiment to try again\.$/);
});
