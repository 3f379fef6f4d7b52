import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { advance } from './advance.ts';
import { type AdvanceFunction, SimulatedSearch } from './testing/simulated-search.ts';
import type { Study } from './types.ts';

const number = fc.nat({ max: 1000 });
const operations = fc.constantFrom('step', 'step', 'lose-before', 'lose-after', 'train', 'train', 'end', 'retry');
const script = fc.array(fc.tuple(operations, number, number), { maxLength: 80, size: 'max' });

function study(trials: number, parallel: number): Study {
  return {
    key: 'cell',
    label: 'cell',
    cellIds: ['cell'],
    spec: {
      name: 'exp/cell',
      sampler: 'tpe',
      seed: 0,
      directions: ['minimize'],
      parameters: { x: { kind: 'int', low: 0, high: 3, log: false, step: 1 } },
      pruner: { kind: 'median', every: 5, warmupSteps: 0, startupTrials: 0, reductionFactor: 3, maxSteps: 50 },
    },
    objectives: ['loss'],
    trials,
    parallel,
  };
}

function violationsOf(advanceFunction: AdvanceFunction): string | null {
  const sizes = fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 4 }));
  const property = fc.property(sizes, script, number, ([trials, parallel], acts, choice) => {
    const search = new SimulatedSearch(study(trials, parallel), advanceFunction);
    for (const [operation, a, b] of acts) search.act(operation, a, b);
    if (search.drain(choice)) search.checkEnded();
    else search.violations.push('never ends');
    assert.deepEqual(search.violations, []);
  });
  const result = fc.check(property, { numRuns: 2000, seed: 20_261 });
  return result.failed ? (fc.defaultReportMessage(result)?.slice(0, 3000) ?? 'failed') : null;
}

test('a study tells each end once, asks for no more than its trials, and ends, whatever is lost or repeated', () => {
  assert.equal(violationsOf(advance), null);
});

const PLANTED: Record<string, AdvanceFunction> = {
  'asks for one too many': (plan, ...rest) => advance({ ...plan, parallel: plan.parallel + 1 }, ...rest),
  'asks beyond its trials': (plan, ...rest) => advance({ ...plan, trials: plan.trials + 1 }, ...rest),
  'forgets the ends that it has seen': (plan, suggestions, observations) => {
    const step = advance(plan, suggestions, observations);
    return { ...step, suggestions: step.suggestions.map((one) => (one.told ? one : { ...one, end: null })) };
  },
  'prunes trials of the matrix': (plan, suggestions, observations) =>
    advance(
      plan,
      suggestions.map((one) => ({ ...one, own: true })),
      observations,
    ),
  'is done before the tuner knows': (plan, suggestions, observations) => {
    const step = advance(plan, suggestions, observations);
    return {
      ...step,
      done: step.suggestions.length === plan.trials && step.suggestions.every(({ end }) => end !== null),
      told: [],
    };
  },
};

for (const [name, planted] of Object.entries(PLANTED))
  test(`a study that ${name} is caught`, () => {
    assert.notEqual(violationsOf(planted), null);
  });
