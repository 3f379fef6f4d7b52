import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trialOf } from '../results/testing/trials.ts';
import type { SearchObjective } from '../spec/search.ts';
import { advance, answered, newSuggestion } from './advance.ts';
import { endOf } from './end.ts';
import { valuesOnTheWay } from './reports.ts';
import type { Study, Suggestion } from './types.ts';

const study: Study = {
  key: 'cell',
  label: 'cell',
  cellIds: ['cell'],
  spec: {
    name: 'exp/cell',
    sampler: 'tpe',
    seed: 0,
    directions: ['minimize'],
    parameters: { 'training.learningRate': { kind: 'float', low: 1e-5, high: 1e-3, log: true, step: null } },
    pruner: { kind: 'median', every: 10, warmupSteps: 0, startupTrials: 0, reductionFactor: 3, maxSteps: 50 },
  },
  objectives: ['loss'],
  trials: 5,
  parallel: 2,
};

function running(number: number, further: Partial<Suggestion> = {}): Suggestion {
  const parameters = { 'training.learningRate': 1e-4 };
  return { ...newSuggestion({ number, parameters }, { trialId: `trial-${number}`, own: true }), ...further };
}

const losses = (from: number, to: number, loss = (step: number): number | null => step) =>
  Array.from({ length: to - from + 1 }, (_, index) => ({ step: from + index, loss: loss(from + index) }));

test('a study begins with as many suggestions as may be outstanding', () => {
  assert.deepEqual(advance(study, [], []).asked, [0, 1]);
  assert.deepEqual(advance({ ...study, parallel: 9 }, [], []).asked, [0, 1, 2, 3, 4]);
  assert.deepEqual(advance(study, [running(0)], []).asked, [1]);
});

test('an end is told, and frees a place', () => {
  const end = { state: 'complete', values: [2.5], message: null } as const;
  const step = advance(study, [running(0), running(1)], [{ trialId: 'trial-0', end, losses: [] }]);
  assert.deepEqual(step.told, [{ number: 0, state: 'complete', values: [2.5] }]);
  assert.deepEqual(step.asked, [2]);
  const after = answered(step, { prune: [] });
  assert.deepEqual(
    after.map(({ told }) => told),
    [true, false],
  );
  assert.deepEqual(advance(study, after, []).told, []);
});

test('what has ended stays as it ended', () => {
  const failed = running(0, { end: { state: 'failed', values: null, message: 'crashed' } });
  const retried = { state: 'complete', values: [1], message: null } as const;
  const step = advance(study, [failed], [{ trialId: 'trial-0', end: retried, losses: [] }]);
  assert.deepEqual(step.told, [{ number: 0, state: 'failed', values: null }]);
});

test('parameters that make no trial have failed', () => {
  const none = newSuggestion({ number: 0, parameters: {} }, { objection: 'does not fit' });
  const step = advance({ ...study, trials: 1 }, [none], []);
  assert.deepEqual([step.told, step.asked, step.done], [[{ number: 0, state: 'failed', values: null }], [], false]);
  assert.equal(advance({ ...study, trials: 1 }, answered(step, { prune: [] }), []).done, true);
});

test('nothing is asked for while nothing is to begin, and what is on the way is waited for', () => {
  const step = advance(study, [running(0)], [], { asking: false });
  assert.deepEqual([step.asked, step.done], [[], false]);
  const ended = running(0, { end: { state: 'failed', values: null, message: 'cancelled' }, told: true });
  assert.equal(advance(study, [ended], [], { asking: false }).done, true);
});

test('a trial that the tuner finds not worth going on with is stopped until it has ended', () => {
  const observations = [{ trialId: 'trial-0', end: null, losses: losses(1, 10) }];
  const step = advance(study, [running(0)], observations);
  assert.deepEqual(step.reports, [{ number: 0, step: 10, value: 5.5 }]);
  assert.deepEqual(step.prune, []);
  const after = answered(step, { prune: [0] });
  const again = advance(study, after, observations);
  assert.deepEqual(again.reports, []);
  assert.deepEqual(again.prune, [{ trialId: 'trial-0', message: 'behind other suggestions at step 10' }]);
  const end = { state: 'pruned', values: null, message: 'behind' } as const;
  assert.deepEqual(advance(study, after, [{ trialId: 'trial-0', end, losses: [] }]).prune, []);
});

test('values on the way are means over complete windows that the tuner does not have yet', () => {
  const of = (reportedStep: number, seen: ReturnType<typeof losses>) =>
    valuesOnTheWay(study, { number: 3, reportedStep }, seen).map(({ step, value }) => [step, value]);
  assert.deepEqual(of(0, losses(1, 9)), []);
  assert.deepEqual(of(0, losses(1, 25)), [
    [10, 5.5],
    [20, 15.5],
  ]);
  assert.deepEqual(of(10, losses(1, 25)), [[20, 15.5]]);
  // An attempt that went on from a checkpoint has no losses before it.
  assert.deepEqual(of(10, losses(16, 20)), [[20, 18]]);
  assert.deepEqual(of(0, losses(16, 20)), [[20, 18]]);
  // A loss that is not finite is no value; the trial will end as diverged.
  assert.deepEqual(
    of(
      0,
      losses(1, 20, (step) => (step === 7 ? null : step)),
    ),
    [[20, 15.5]],
  );
  assert.deepEqual(of(0, []), []);
  assert.deepEqual(
    valuesOnTheWay({ spec: { ...study.spec, pruner: null } }, { number: 0, reportedStep: 0 }, losses(1, 25)),
    [],
  );
});

test('less loss is better for a pruner, also where more is better for the objective', () => {
  const accuracy = { spec: { ...study.spec, directions: ['maximize' as const] } };
  assert.deepEqual(
    valuesOnTheWay(accuracy, { number: 0, reportedStep: 0 }, losses(1, 10)).map(({ value }) => value),
    [-5.5],
  );
});

const measured = { loss: 2.5, tokensPerSecond: 80, rssBytes: 4096, totalSeconds: 7200, energyJoules: 1280 };
const ENDS: readonly [state: Parameters<typeof trialOf>[0], objectives: readonly SearchObjective[], end: unknown][] = [
  [{ state: 'pending' }, ['loss'], null],
  [{ state: 'running' }, ['loss'], null],
  [{ state: 'retrying' }, ['loss'], null],
  [{ ...measured }, ['loss'], ['complete', [2.5], null]],
  [{ ...measured, state: 'reused' }, ['loss'], ['complete', [2.5], null]],
  [{ ...measured }, ['perplexity'], ['complete', [Math.exp(2.5)], null]],
  [
    { ...measured },
    ['accuracy', 'tokensPerSecond', 'peakMemory', 'energy', 'cost'],
    ['complete', [0.4, 80, 4096, 2, 6], null],
  ],
  [{ ...measured, energyJoules: null }, ['loss', 'energy'], ['failed', null, 'energy was not measured']],
  [{ state: 'succeeded', measured: false }, ['loss'], ['failed', null, 'its result is missing']],
  [{ state: 'diverged', loss: null }, ['loss'], ['pruned', null, 'said']],
  [{ state: 'reused', loss: null }, ['loss'], ['pruned', null, 'said']],
  [{ state: 'diverged', loss: null }, ['loss', 'peakMemory'], ['failed', null, 'said']],
  [{ state: 'pruned' }, ['loss'], ['pruned', null, 'said']],
  [{ state: 'failed' }, ['loss'], ['failed', null, 'said']],
  [{ state: 'cancelled' }, ['loss'], ['failed', null, 'said']],
];

for (const [options, objectives, expected] of ENDS)
  test(`a trial that is ${options?.state ?? 'succeeded'} means for ${objectives}: ${expected}`, () => {
    const { state, result } = trialOf(options);
    const end = endOf({ state, message: 'said', result }, objectives, 3);
    assert.deepEqual(end === null ? null : [end.state, end.values, end.message], expected);
  });

test('without a price there is no cost', () => {
  const { state, result } = trialOf(measured);
  assert.equal(endOf({ state, message: null, result }, ['cost'], null)?.message, 'cost was not measured');
});
