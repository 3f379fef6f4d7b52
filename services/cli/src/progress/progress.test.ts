import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExperimentDetail, StreamEvent } from '@lamina/domain/contract/api.ts';
import { Chalk } from 'chalk';
import fc from 'fast-check';
import { listText } from '../commands/list.ts';
import { showText } from '../commands/show.ts';
import { AT, experimentOf, FOUR_TRIALS, stepEvent, trialEvent, trialViewOf } from '../testing/views.ts';
import { progressLine, STEP_LINE_EVERY_MS } from './lines.ts';
import { type Frame, livePicture } from './live.ts';
import { applyEvent, endedCount, type Progress, progressOf, stateCounts, withTrial } from './state.ts';

const START = progressOf(experimentOf(), FOUR_TRIALS);
const NOW = Date.parse(AT) + 65_000;
const frame: Frame = { width: 100, height: 40, nowMs: NOW, color: new Chalk({ level: 0 }), notice: null };
const play = (events: readonly StreamEvent[], from: Progress = START): Progress => events.reduce(applyEvent, from);
const stateOf = (progress: Progress, cell: 'a' | 'b', seed: number) => progress.trials.get(trialViewOf(cell, seed).id);

test('trials move as events say, and counts follow', () => {
  const progress = play([
    trialEvent('a', 1, 'running'),
    trialEvent('a', 2, 'running'),
    trialEvent('a', 1, 'succeeded'),
    trialEvent('b', 1, 'reused', 0),
  ]);
  assert.deepEqual(stateCounts(progress), { succeeded: 1, running: 1, reused: 1, pending: 1 });
  assert.equal(endedCount(progress), 2);
});

test('before there are trials, the picture says what becomes of the dataset', () => {
  const preparation: ExperimentDetail['preparation'] = {
    state: 'running',
    attempts: 1,
    message: null,
    model: 'writer',
    specHash: 'aa',
    reusedFrom: null,
    dataset: null,
    report: null,
    startedAt: AT,
    endedAt: null,
  };
  const picture = livePicture(progressOf({ ...experimentOf(), preparation, cellList: [] }, []), frame);
  assert.match(picture, /dataset is being generated, by writer/);
  assert.doesNotMatch(picture, /0 trials/);
});

test('steps are kept for a running trial and ignored once it has ended', () => {
  const running = play([trialEvent('a', 1, 'running'), stepEvent('a', 1, 34, 3.21)]);
  assert.equal(stateOf(running, 'a', 1)?.step, 34);
  assert.equal(stateOf(running, 'a', 1)?.trainingLoss, 3.21);
  const ended = play([trialEvent('a', 1, 'succeeded'), stepEvent('a', 1, 35)], running);
  assert.equal(stateOf(ended, 'a', 1)?.step, 34);
});

test('a further attempt starts from nothing; an event from before the snapshot changes nothing', () => {
  const progress = play([trialEvent('a', 1, 'running'), stepEvent('a', 1, 34), trialEvent('a', 1, 'running', 2)]);
  assert.equal(stateOf(progress, 'a', 1)?.step, null);
  const known = progressOf(experimentOf(), [trialViewOf('a', 1, { state: 'succeeded', attempts: 2 })]);
  for (const old of [
    trialEvent('a', 1, 'running', 1),
    trialEvent('a', 1, 'retrying', 2),
    trialEvent('a', 1, 'running', 2),
  ]) {
    assert.equal(applyEvent(known, old), known);
  }
  assert.equal(
    stateOf(applyEvent(known, trialEvent('a', 1, 'pending', 2)), 'a', 1)?.state,
    'pending',
    'a retry is news',
  );
});

test('a trial says what it waits for until it runs', () => {
  const waits = (text: string | null): StreamEvent => ({
    type: 'attempt',
    data: {
      attemptId: 'a',
      trialId: trialViewOf('a', 1).id,
      attempt: 1,
      outcome: null,
      message: null,
      waiting: text === null ? null : { kind: 'unschedulable', text },
    },
  });
  const running = play([trialEvent('a', 1, 'running')]);
  const event = waits('no node has a free GPU');
  const waiting = applyEvent(running, event);
  assert.equal(
    progressLine(running, waiting, event, NOW, 0)?.slice(10),
    '18 layers · bf16, seed 1  waits: no node has a free GPU',
  );
  assert.match(livePicture(waiting, frame), /seed 1: waits: no node has a free GPU/);
  assert.equal(stateOf(applyEvent(waiting, waits(null)), 'a', 1)?.waiting, null);
  assert.equal(stateOf(applyEvent(waiting, stepEvent('a', 1, 1)), 'a', 1)?.waiting, null);
});

test('a trial nobody knew of asks for another look', () => {
  const unknown = { ...trialEvent('a', 1, 'running'), data: { ...trialEvent('a', 1, 'running').data, trialId: 'new' } };
  assert.equal(applyEvent(START, unknown).outdated, true);
});

const anyEvent = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('a', 'b'),
      fc.constantFrom(1, 2),
      fc.constantFrom('running', 'retrying', 'succeeded', 'failed'),
      fc.integer({ min: 1, max: 3 }),
    )
    .map(([cell, seed, state, attempts]) => trialEvent(cell, seed, state, attempts)),
  fc
    .tuple(fc.constantFrom('a', 'b'), fc.constantFrom(1, 2), fc.integer({ min: 1, max: 60 }))
    .map(([c, s, step]) => stepEvent(c, s, step)),
);

test('property: hearing the history again changes nothing that has ended', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
      const once = play(events);
      const twice = play(events, once);
      for (const trial of once.trials.values()) {
        if (trial.state === 'succeeded' && trial.attempts === 3) assert.deepEqual(twice.trials.get(trial.id), trial);
      }
      assert.equal(twice.trials.size, 4);
    }),
  );
});

test('property: the live picture never leaves the terminal', () => {
  fc.assert(
    fc.property(
      fc.array(anyEvent, { maxLength: 30 }),
      fc.integer({ min: 60, max: 200 }),
      fc.integer({ min: 10, max: 60 }),
      (events, width, height) => {
        const lines = livePicture(play(events), { ...frame, width, height }).split('\n');
        assert.ok(lines.length < height);
        for (const line of lines) assert.ok(line.length <= Math.min(width, 100), line);
      },
    ),
  );
});

test('the live picture, as it looks', () => {
  const result = {
    loss: 2.9134,
    lossStandardError: null,
    perplexity: 18.4,
    perplexityStandardError: null,
    accuracy: 0.4,
    tokens: 1,
    sequences: 1,
    seconds: 1,
    cached: false,
  };
  const done = progressOf(experimentOf(), [
    trialViewOf('a', 1, { state: 'succeeded', attempts: 1, trained: result }),
    ...FOUR_TRIALS.slice(1),
  ]);
  const progress = play(
    [trialEvent('a', 2, 'running'), stepEvent('a', 2, 30, 3.2111), trialEvent('b', 1, 'failed', 3, 'gone')],
    done,
  );
  assert.equal(
    livePicture(progress, { ...frame, width: 80 }),
    `quickstart  running  e-1
${'█'.repeat(33)}▌${'░'.repeat(33)}  50 %  1m 5s
2 of 4 trials ended · 1 running · 1 failed · ends in about 1m 25s (55s–1m 55s)

18 layers · bf16  ████████▉░░░   1/2  loss 2.913
9 layers · bf16   ██████░░░░░░   1/2  1 failed

▸ 18 layers · bf16, seed 2: training 30/60, loss 3.211, 145 tokens/s, 1.25 GiB`,
  );
});

test('more cells than lines: those at work stay, the rest is counted', () => {
  const cells = Array.from({ length: 50 }, (_, index) => ({ id: `c${index}`, label: `cell ${index}` }));
  const trials = cells.map(({ id }, index) =>
    trialViewOf('a', 1, { id: `t${index}`, cellId: id, state: index === 40 ? 'running' : 'succeeded' }),
  );
  const base = progressOf(experimentOf(), trials);
  const picture = livePicture({ ...base, cells }, { ...frame, height: 20 });
  assert.match(picture, /^cell 40 /m);
  assert.match(picture, /… and \d+ more cells/);
});

test('lines for a pipe: one per change, steps only now and then', () => {
  const line = (event: StreamEvent, before = START, last = 0) =>
    progressLine(before, applyEvent(before, event), event, NOW, last)?.slice(10);
  assert.equal(line(trialEvent('a', 1, 'running')), '18 layers · bf16, seed 1  running');
  assert.equal(
    line(trialEvent('b', 2, 'failed', 3, 'no space')),
    '9 layers · bf16, seed 2  failed: no space  (1 of 4)',
  );
  assert.equal(line({ type: 'experiment', data: { state: 'paused', counts: {} } }), 'experiment paused');
  assert.equal(line({ type: 'experiment', data: { state: 'running', counts: {} } }), undefined);
  const running = play([trialEvent('a', 1, 'running')]);
  assert.equal(
    line(stepEvent('a', 1, 5), running),
    '18 layers · bf16, seed 1  training 5/60, loss 3.000, 145 tokens/s, 1.25 GiB',
  );
  assert.equal(line(stepEvent('a', 1, 6), running, NOW - STEP_LINE_EVERY_MS + 1), undefined);
  assert.equal(line(trialEvent('a', 1, 'running'), running), undefined);
});

const BLOCKED = {
  activity: 'advance',
  sentence: 'its trials cannot be started, stopped or recorded',
  lastError: 'EACCES: permission denied.',
  since: AT,
  retrying: true,
};
const blockedEvent = (blocked: typeof BLOCKED | null): StreamEvent => ({
  type: 'experiment',
  data: { state: 'running', counts: {}, blocked },
});

test('a blocked experiment says so in the picture and in one line, until it goes on or ends', () => {
  const blocked = play([blockedEvent(BLOCKED)]);
  const picture = livePicture(blocked, frame);
  assert.match(picture, /^blocked for 1m 5s: its trials cannot be started, stopped or recorded\. Last error: EACCES/m);
  const line = (event: StreamEvent, before: Progress) =>
    progressLine(before, applyEvent(before, event), event, NOW, 0)?.slice(10);
  assert.match(
    line(blockedEvent(BLOCKED), START) ?? '',
    /^experiment blocked since [\d:]+: its trials .* Last error: EACCES: permission denied\. It goes on by itself/,
  );
  assert.equal(line(blockedEvent({ ...BLOCKED, lastError: 'another' }), blocked), undefined);
  assert.match(line(blockedEvent({ ...BLOCKED, retrying: false }), blocked) ?? '', /resume the experiment/);
  assert.equal(line(blockedEvent(null), blocked), 'experiment not blocked any more');
  assert.doesNotMatch(livePicture(play([blockedEvent(null)], blocked), frame), /blocked/);
  const silent: StreamEvent = { type: 'experiment', data: { state: 'paused', counts: {} } };
  assert.deepEqual(play([silent], blocked).experiment.blocked, BLOCKED, 'no news of it');
  const ended: StreamEvent = { type: 'experiment', data: { state: 'cancelled', counts: {} } };
  assert.equal(play([ended], blocked).experiment.blocked, null);
});

test('the list and the page of an experiment say that it is blocked', () => {
  const io = { color: new Chalk({ level: 0 }), now: () => NOW, columns: () => 80 };
  const experiment = experimentOf({ blocked: BLOCKED });
  assert.match(listText([experiment], null, io), /running, blocked/);
  assert.match(showText(experiment, FOUR_TRIALS, io), /^blocked for 1m 5s: its trials cannot be started/m);
  assert.doesNotMatch(listText([experimentOf()], null, io) + showText(experimentOf(), FOUR_TRIALS, io), /blocked/);
});

test('a result fetched later replaces what events said', () => {
  const trial = { ...stateOf(START, 'a', 1)!, heldOutLoss: 2 };
  assert.equal(stateOf(withTrial(START, trial), 'a', 1)?.heldOutLoss, 2);
});
