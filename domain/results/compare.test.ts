import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TRIAL_STATES } from '../vocabulary/states.ts';
import { compareTrials } from './compare.ts';
import type { ComparedTrial } from './input.ts';
import { cellText } from './tables/column.ts';
import { MATRIX } from './tables/matrix.ts';
import { inputOf, type TrialOptions, trialOf } from './testing/trials.ts';
import type { ComparisonRow } from './types.ts';

const first = (keep: number) => ({ strategy: 'first', keep }) as const;
const seeds = (options: TrialOptions, losses: readonly (number | null)[]): ComparedTrial[] =>
  losses.map((loss, index) => trialOf({ ...options, loss, seed: index + 1 }));
const rowOf = (rows: readonly ComparisonRow[], part: string): ComparisonRow => {
  const row = rows.find(({ label }) => label.includes(part));
  assert.ok(row, `no row ${part}`);
  return row;
};

test('one row per cell with mean and interval, worked by hand', () => {
  const { rows, complete } = compareTrials(inputOf(seeds({}, [2, 4])));
  const [row] = rows;
  assert.equal(rows.length, 1);
  assert.ok(complete && row);
  assert.equal(row.loss.mean, 3);
  assert.ok(Math.abs((row.loss.high ?? 0) - (3 + 12.706)) < 1e-3);
  assert.ok(Math.abs((row.perplexity.mean ?? 0) - Math.exp(3)) < 1e-9);
  assert.equal(row.bitsPerParameter, 16);
  assert.deepEqual(row.tokensPerSecond.samples, [100, 100]);
  assert.equal(row.lossStandardError, 0.05);
  assert.deepEqual(row.seeds, [1, 2]);
  assert.deepEqual(row.trials, { total: 2, byState: { succeeded: 2 } });
});

test('differences to the baseline are paired by seed: seeds that differ alike cancel out', () => {
  const { rows } = compareTrials(inputOf([...seeds({}, [2, 3, 4]), ...seeds({ precision: 'nf4' }, [2.1, 3.12, 4.11])]));
  const { lossDelta } = rowOf(rows, 'nf4');
  // Differences 0.10, 0.12, 0.11: mean 0.11, sd 0.01, half width 4.303 · 0.01/√3 = 0.0248, t = 19.05, p = 0.00274.
  assert.ok(Math.abs((lossDelta.mean ?? 0) - 0.11) < 1e-9);
  assert.ok(Math.abs((lossDelta.high ?? 0) - 0.1348) < 1e-4);
  assert.ok(Math.abs((lossDelta.p ?? 0) - 0.00274) < 1e-5);
  assert.equal(lossDelta.pAdjusted, lossDelta.p);
});

test('a seed that one of the two lacks is paired with nothing', () => {
  const baseline = [1, 2, 3].map((seed) => trialOf({ seed, loss: [9, 3, 5][seed - 1] ?? null }));
  const cell = [2, 3, 4].map((seed) => trialOf({ seed, precision: 'nf4', loss: [3.5, 6, 1][seed - 2] ?? null }));
  const { lossDelta } = rowOf(compareTrials(inputOf([...baseline, ...cell])).rows, 'nf4');
  assert.deepEqual([lossDelta.n, lossDelta.mean], [2, 0.75]);
});

test('the baseline against itself is 0 and counts for no test', () => {
  const { rows } = compareTrials(inputOf([...seeds({}, [2, 3]), ...seeds({ precision: 'nf4' }, [2.1, 3.2])]));
  const baseline = rows.find((row) => row.isBaseline);
  assert.deepEqual(baseline?.lossDelta, { n: 2, mean: 0, low: 0, high: 0, p: null, pAdjusted: null });
});

test('losses over other held-out tokens are not subtracted, and a note says so', () => {
  const other = seeds({ model: 'other', environment: { evaluationFingerprint: 'else' } }, [1, 1]);
  const { rows, notes, recommendation } = compareTrials(inputOf([...seeds({}, [2, 3]), ...other]));
  assert.equal(rows.find((row) => row.model === 'other')?.lossDelta.n, 0);
  assert.equal(recommendation.cellId, null);
  assert.ok(notes.some((note) => note.includes('2 different sets of tokens')));
});

test('full training in 16 bits without master weights is noted: small updates were rounded away', () => {
  const said = (options: TrialOptions) =>
    compareTrials(inputOf(seeds(options, [2, 3]))).notes.filter((note) => note.includes('without master weights'));
  assert.equal(said({ precision: 'bf16', method: 'full' }).length, 1);
  assert.equal(said({ precision: 'fp32', method: 'full' }).length, 0);
  assert.equal(said({ precision: 'bf16', method: 'lora' }).length, 0);
});

test('a note says where less than half of the parameters are quantized', () => {
  const said = (quantizedParameters: number) =>
    compareTrials(inputOf(seeds({ precision: 'nf4', method: 'qlora', quantizedParameters }, [2, 3]))).notes.filter(
      (note) => note.includes('less than half'),
    );
  assert.match(said(25_000_000)[0] ?? '', /^In 1 row .* \(10\.0 %\)/);
  assert.deepEqual([said(0), said(200_000_000)], [[], []]);
});

test('without a baseline there are no differences', () => {
  const comparison = compareTrials(inputOf(seeds({}, [2, 3]), { baselineCellId: null }));
  assert.equal(comparison.rows[0]?.lossDelta.mean, null);
  assert.ok(comparison.notes.includes('No baseline cell: no differences are given.'));
});

test('rows read from the deepest model down, precisions in the order of the vocabulary', () => {
  const trials = [first(9), { strategy: 'all' } as const, first(12)].flatMap((layers) =>
    (['nf4', 'bf16', 'int8'] as const).map((precision) => trialOf({ layers, precision })),
  );
  assert.deepEqual(
    compareTrials(inputOf(trials)).rows.map(({ label }) => label.replace(/ · q?lora/, '')),
    ['all layers', '12 layers', '9 layers'].flatMap((depth) =>
      ['bf16', 'int8', 'nf4'].map((precision) => `${depth} · ${precision}`),
    ),
  );
});

test('a trial counts as measured when taken over, not when it failed or still runs', () => {
  const trials = [
    trialOf({ seed: 1, state: 'reused', reusedFrom: 'experiment-0' }),
    trialOf({ seed: 2, state: 'failed' }),
    trialOf({ seed: 3, state: 'running' }),
    trialOf({ seed: 4, state: 'retrying', measured: true }),
  ];
  const { rows, notes, complete } = compareTrials(inputOf(trials, { state: 'running' }));
  assert.deepEqual(rows[0]?.seeds, [1]);
  assert.equal(complete, false);
  assert.ok(notes.includes('1 of 1 measurement taken over from identical earlier trials.'));
});

test('a row measured on another driver than the baseline is marked, and so is one of two devices', () => {
  const trials = [
    ...seeds({}, [3, 3]),
    ...seeds({ precision: 'nf4', environment: { driver: '999' } }, [3, 3]),
    trialOf({ precision: 'int8', seed: 1 }),
    trialOf({ precision: 'int8', seed: 2, environment: { device: 'Another CPU' } }),
  ];
  const { rows, notes } = compareTrials(inputOf(trials));
  assert.deepEqual(
    rows.map((row) => row.mixedEnvironment),
    [false, true, true],
  );
  assert.deepEqual(rowOf(rows, 'int8').devices, ['Another CPU', 'Some CPU']);
  assert.ok(notes.some((note) => note.startsWith('† 2 rows')));
});

test('GPU and CPU memory never share a figure', () => {
  const gpu = { deviceKind: 'cuda', device: 'A GPU' } as const;
  const trials = [
    trialOf({ seed: 1, rssBytes: 10 }),
    trialOf({ seed: 2, rssBytes: 10, reservedBytes: 99, environment: gpu }),
    trialOf({ precision: 'nf4', seed: 1, rssBytes: 10, reservedBytes: 99, environment: gpu }),
  ];
  const { rows } = compareTrials(inputOf(trials));
  const mixed = rowOf(rows, 'bf16');
  assert.equal(mixed.memoryMetric, null);
  assert.equal(mixed.peakMemoryBytes.mean, null);
  assert.equal(rowOf(rows, 'nf4').memoryMetric, 'peak-reserved');
  assert.equal(rowOf(rows, 'nf4').peakMemoryBytes.mean, 99);
});

test('an estimate stands next to a measured peak of a GPU, with its error, and never next to one of a CPU', () => {
  const rowsOn = (deviceKind: 'cpu' | 'cuda') => {
    const trial = trialOf({ environment: { deviceKind }, reservedBytes: deviceKind === 'cuda' ? 800 : null });
    return compareTrials(inputOf([trial], { estimatedBytes: new Map([[trial.trial.cell.id, 1000]]) })).rows;
  };
  const [onGpu] = rowsOn('cuda');
  assert.ok(onGpu);
  assert.equal(onGpu.estimatedBytes, 1000);
  assert.equal(cellText(MATRIX.columns.find(({ id }) => id === 'estimateError')!, onGpu), '+25.0');
  assert.equal(rowsOn('cpu')[0]?.estimatedBytes, null);
});

test('a cell with a diverged trial keeps its other figures but is on no front', () => {
  const { rows, notes } = compareTrials(
    inputOf([...seeds({ tokensPerSecond: 999 }, [1, null]), ...seeds({ precision: 'nf4' }, [3, 3])]),
  );
  assert.equal(rowOf(rows, 'bf16').loss.n, 1);
  assert.equal(rowOf(rows, 'bf16').rawLoss.n, 2);
  assert.equal(rowOf(rows, 'bf16').onParetoFront, false);
  assert.equal(rowOf(rows, 'nf4').onParetoFront, true);
  assert.ok(notes.some((note) => note.includes('never named as best')));
});

test('the Pareto front holds trade-offs of loss, memory and speed', () => {
  const { rows } = compareTrials(
    inputOf([
      trialOf({ precision: 'bf16', loss: 2, rssBytes: 30, tokensPerSecond: 10 }),
      trialOf({ precision: 'int8', loss: 3, rssBytes: 20, tokensPerSecond: 10 }),
      trialOf({ precision: 'nf4', loss: 3, rssBytes: 25, tokensPerSecond: 9 }),
      trialOf({ precision: 'nf4-dq', loss: 4, rssBytes: 40, tokensPerSecond: 11 }),
    ]),
  );
  assert.deepEqual(
    rows.map((row) => row.onParetoFront),
    [true, true, false, true],
  );
});

test('a resumed trial has a speed but no time and no cost', () => {
  const trials = [trialOf({ seed: 1, totalSeconds: 3600 }), trialOf({ seed: 2, resumedFromStep: 5 })];
  const [row] = compareTrials(inputOf(trials, { pricePerHour: 2 })).rows;
  assert.equal(row?.tokensPerSecond.n, 2);
  assert.deepEqual(row?.trialSeconds.samples, [3600]);
  assert.equal(row?.cost.mean, 2);
});

const anyTrial = fc
  .record({
    seed: fc.integer({ min: 1, max: 4 }),
    precision: fc.constantFrom('bf16', 'int8', 'nf4'),
    layers: fc.constantFrom(first(6), first(12), { strategy: 'all' } as const),
    state: fc.constantFrom(...TRIAL_STATES),
    loss: fc.option(fc.integer({ min: 1, max: 900 }).map((hundredths) => hundredths / 100)),
    tokensPerSecond: fc.integer({ min: 1, max: 500 }),
    rssBytes: fc.integer({ min: 1, max: 1e10 }),
    environment: fc.record({ driver: fc.constantFrom(null, '1') }),
  })
  .map((options) => trialOf(options));
const anyTrials = fc.uniqueArray(anyTrial, { maxLength: 36, selector: ({ trial }) => trial.id });

test('property: the order of the trials does not matter', () => {
  fc.assert(
    fc.property(
      anyTrials.chain((trials) =>
        fc.tuple(fc.constant(trials), fc.shuffledSubarray(trials, { minLength: trials.length })),
      ),
      ([trials, shuffled]) => {
        const baselineCellId = trials[0]?.trial.cell.id ?? null;
        assert.deepEqual(compareTrials(inputOf(shuffled, { baselineCellId })), compareTrials(inputOf(trials)));
      },
    ),
  );
});

test('property: every trial is counted once, and a recommended cell is measured in full', () => {
  fc.assert(
    fc.property(anyTrials, (trials) => {
      const { rows, recommendation } = compareTrials(inputOf(trials));
      assert.equal(
        rows.reduce((sum, row) => sum + row.trials.total, 0),
        trials.length,
      );
      if (recommendation.cellId === null) return;
      const best = rows.find((row) => row.cellId === recommendation.cellId);
      assert.ok(best && best.loss.n === best.trials.total);
      assert.ok(!recommendation.indistinguishable.includes(recommendation.cellId));
      for (const row of rows) {
        if (row.loss.n === row.trials.total) assert.ok((row.loss.mean ?? 0) >= (best.loss.mean ?? 0));
      }
    }),
  );
});

test('10,000 trials are compared in less than a second', () => {
  const trials = Array.from({ length: 10_000 }, (_, index) =>
    trialOf({
      seed: index % 2,
      parameters: { 'training.learningRate': Math.floor(index / 2) },
      loss: 3 + Math.sin(index),
      tokensPerSecond: 100 + Math.cos(index * 3),
      rssBytes: Math.round(1e9 * (2 + Math.sin(index * 7))),
    }),
  );
  // The processor's time, the best of three: the machine may be busy with other tests.
  const seconds = [1, 2, 3].map(() => {
    const before = process.cpuUsage();
    assert.equal(compareTrials(inputOf(trials)).rows.length, 5_000);
    return process.cpuUsage(before).user / 1e6;
  });
  assert.ok(Math.min(...seconds) < 1, `${seconds} s`);
});
