import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finalError } from '../final-errors.ts';
import { blockedBy, clearedBy, ownerOf, type Try } from './decide.ts';

const at = (attempt: number, more: Partial<Try> = {}): Try => ({
  activity: 'advance',
  activityId: '7',
  attempt,
  scheduledMs: Date.parse('2026-01-01T00:00:00Z'),
  ...more,
});
const away = new Error('the store is away');

test('a few failures block nothing; the third does, and every later one', () => {
  assert.deepEqual(
    [1, 2].map((attempt) => blockedBy(at(attempt), away)),
    [null, null],
  );
  for (const attempt of [3, 4, 1000]) {
    assert.deepEqual(blockedBy(at(attempt), away), {
      lastError: 'the store is away',
      since: '2026-01-01T00:00:00.000Z',
      retrying: true,
    });
  }
});

test('what can never succeed blocks at once, and is not tried again', () => {
  const failing = blockedBy(at(1), finalError('UnknownTrial', 'trial t is not in experiment e'));
  assert.deepEqual([failing?.retrying, failing?.lastError], [false, 'trial t is not in experiment e']);
});

test('a success clears what may have been marked, and costs nothing where nothing was', () => {
  const owner = ownerOf('experiment/e');
  assert.ok(owner !== null);
  assert.deepEqual(
    [1, 2, 3].map((attempt) => clearedBy(at(attempt), owner)),
    [[], [], []],
  );
  assert.deepEqual(clearedBy(at(4), owner), ['advance']);
  assert.deepEqual(
    clearedBy(at(1, { activity: 'begin', activityId: '1' }), owner),
    ['begin', 'prepare', 'advance'],
    'what the run before left behind',
  );
});

test('an activity belongs to the experiment that its workflow is named after', () => {
  assert.equal(ownerOf('experiment/e-1')?.experimentId, 'e-1');
  assert.deepEqual(ownerOf('search/e/2'), {
    experimentId: 'e/2',
    activities: ['searchStep', 'applySearch', 'advance_study'],
  });
  assert.equal(ownerOf('something-else'), null);
  assert.equal(ownerOf(undefined), null);
});
