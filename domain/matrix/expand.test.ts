import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyDocument, base } from '../spec/arbitrary.ts';
import { countTrials } from '../spec/combinations.ts';
import type { ExperimentDocument } from '../spec/document.ts';
import { parseDocument } from '../spec/parse.ts';
import { hasAdapters } from '../vocabulary/methods.ts';
import type { DeviceCapabilities, ExpansionContext } from './context.ts';
import { expandMatrix } from './expand.ts';

const context: ExpansionContext = { trainerRevision: 'r1', device: null, layersOf: () => 18, gpus: null };
const cpu: DeviceCapabilities = { kind: 'cpu', name: 'CPU', computeCapability: null, fast16Bit: false };
const t4: DeviceCapabilities = { kind: 'cuda', name: 'Tesla T4', computeCapability: '7.5', fast16Bit: true };

function parsed(fields: object): ExperimentDocument {
  const result = parseDocument({ ...base, ...fields });
  assert.ok(result.ok, JSON.stringify(result));
  return result.document;
}

function expand(fields: object, changes: Partial<ExpansionContext> = {}) {
  return expandMatrix(parsed(fields), { ...context, ...changes });
}

test('the quickstart matrix: half of the combinations are dropped, each once and with its reason', () => {
  const { cells, trials, dropped, baselineCellId } = expand({
    matrix: { layers: [18, 12, 6], precision: ['bf16', 'int8', 'nf4-dq'], method: ['lora', 'qlora'], seed: [1, 2] },
    baseline: { layers: 'all', precision: 'bf16', method: 'lora' },
  });
  assert.equal(trials.length, 18);
  assert.deepEqual(
    cells.map(({ label }) => label),
    ['all layers', '12 layers', '6 layers'].flatMap((depth) => [
      `${depth} · bf16 · lora`,
      `${depth} · int8 · qlora`,
      `${depth} · nf4-dq · qlora`,
    ]),
  );
  assert.deepEqual(
    Map.groupBy(dropped, ({ reason }) => reason)
      .entries()
      .map(([reason, all]) => [reason, all.length])
      .toArray(),
    [
      ['qlora-needs-quantized', 3],
      ['lora-needs-unquantized', 6],
    ],
  );
  assert.equal(baselineCellId, cells[0]?.id);
});

test('every combination is a cell or is dropped with a reason; no trial is there twice', () => {
  fc.assert(
    fc.property(anyDocument, (input) => {
      const document = parsed(input);
      const { matrix } = document;
      const { cells, trials, dropped } = expandMatrix({ ...document, matrix: { ...matrix, include: [] } }, context);
      const wide = ['lora.r', 'lora.targets'].reduce((n, axis) => n * (matrix[axis as 'lora.r']?.length ?? 1), 1);
      const common = ['training.learningRate', 'training.maxGradNorm'].reduce(
        (n, axis) => n * (matrix[axis as 'training.learningRate']?.length ?? 1),
        matrix.layers.length * matrix.precision.length,
      );
      const combinations = matrix.method.reduce((n, method) => n + (hasAdapters(method) ? common * wide : common), 0);
      const whole = dropped.filter(({ label }) => !label.includes(' · seed '));
      assert.equal(cells.length + whole.length, combinations);
      assert.equal(new Set(trials.map(({ id }) => id)).size, trials.length);
      assert.equal(new Set(cells.map(({ id }) => id)).size, cells.length);
      assert.equal(new Set(cells.map(({ label }) => label)).size, cells.length, 'labels tell cells apart');
      assert.ok(trials.length <= countTrials(matrix));
      assert.deepEqual(new Set(trials.map(({ cell }) => cell.id)), new Set(cells.map(({ id }) => id)));
    }),
  );
});

test('neither the order of keys nor what cannot change a number changes anything', () => {
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .toReversed()
        .map(([key, inner]) => [key, reversed(inner)]),
    );
  };
  fc.assert(
    fc.property(anyDocument, (input) => {
      const other = {
        ...(reversed(input) as object),
        name: 'another name',
        description: 'said otherwise',
        labels: { team: 'x' },
        policy: { maxParallel: 7, attempts: 1 },
        objective: { metric: 'accuracy' },
      };
      assert.deepEqual(expandMatrix(parsed(other), context), expandMatrix(parsed(input), context));
    }),
  );
});

test('exclude leaves out exactly the cells that fulfil all conditions of an entry, and says so once each', () => {
  const matrix = { layers: ['all', 12, 6], precision: ['nf4', 'nf4-dq', 'int8'], method: 'qlora', seed: [1, 2, 3] };
  const { cells, dropped } = expand({
    matrix: {
      ...matrix,
      exclude: [
        { layers: '<9', precision: 'nf4*' },
        { layers: [12], precision: 'int8' },
      ],
    },
  });
  assert.deepEqual(
    cells.map(({ label }) => label),
    [
      'all layers · nf4',
      'all layers · nf4-dq',
      'all layers · int8',
      '12 layers · nf4',
      '12 layers · nf4-dq',
      '6 layers · int8',
    ],
  );
  assert.deepEqual(
    dropped.map(({ label, reason }) => [label, reason]),
    [
      ['12 layers · int8', 'excluded'],
      ['6 layers · nf4', 'excluded'],
      ['6 layers · nf4-dq', 'excluded'],
    ],
  );
});

test('an exclusion by seed leaves out those trials alone', () => {
  const { cells, trials, dropped } = expand({
    matrix: { layers: [12, 6], seed: [1, 2, 3], exclude: [{ layers: 6, seed: '>=2' }] },
  });
  assert.equal(cells.length, 2);
  assert.deepEqual(
    trials.map(({ settings }) => [settings.layers, settings.seed]),
    [
      [{ strategy: 'first', keep: 12 }, 1],
      [{ strategy: 'first', keep: 6 }, 1],
      [{ strategy: 'first', keep: 12 }, 2],
      [{ strategy: 'first', keep: 12 }, 3],
    ],
  );
  assert.deepEqual(
    dropped.map(({ label }) => label),
    ['6 layers · seed 2, 3'],
  );
});

test('include adds cells and seeds, is not excluded, and says where it adds nothing', () => {
  const { cells, trials, dropped } = expand({
    matrix: {
      layers: [12, 6],
      seed: [1, 2],
      exclude: [{ layers: 3 }],
      include: [{ layers: 3 }, { layers: 6, seed: [3] }, { layers: 12 }, { 'training.learningRate': [1e-3] }],
    },
  });
  assert.deepEqual(
    cells.map(({ label }) => [label, trials.filter(({ cell }) => cell.label === label).length]),
    [
      ['12 layers', 2],
      ['6 layers', 3],
      ['3 layers', 2],
      ['12 layers · learningRate 0.001', 2],
    ],
  );
  assert.deepEqual(
    dropped.map(({ label, reason }) => [label, reason]),
    [['12 layers', 'duplicate']],
  );
});

test('conditional axes multiply only the cells that they mean something for', () => {
  const { cells } = expand({
    matrix: {
      precision: ['bf16', 'nf4'],
      method: ['full', 'qlora'],
      'lora.r': [8, 16],
      'quantization.doubleQuant': [false, true],
    },
  });
  assert.deepEqual(
    cells.map(({ label }) => label),
    [
      'bf16 · full',
      'nf4 · qlora · r 8',
      'nf4-dq · qlora · r 8',
      'nf4 · qlora · r 16',
      'nf4-dq · qlora · r 16',
    ].toSorted((a, b) => cells.findIndex(({ label }) => label === a) - cells.findIndex(({ label }) => label === b)),
  );
  assert.equal(cells.length, 5);
});

test('master weights are a setting of full training in 16 bits, and change the id of no other cell', () => {
  const matrix = { precision: ['fp32', 'bf16'], method: ['full', 'lora'] };
  const { cells } = expand({ matrix: { ...matrix, 'training.masterWeights': ['none', 'fp32'] } });
  assert.deepEqual(
    cells.map(({ precision, method, parameters }) => [precision, method, parameters['training.masterWeights'] ?? null]),
    [
      ['fp32', 'full', null],
      ['fp32', 'lora', null],
      ['bf16', 'full', 'none'],
      ['bf16', 'full', 'fp32'],
      ['bf16', 'lora', null],
    ],
  );
  const ids = (masterWeights: 'none' | 'fp32') =>
    expand({ matrix, training: { masterWeights } }).cells.map(({ id }) => id);
  const [none, fp32] = [ids('none'), ids('fp32')];
  assert.deepEqual(
    none.map((id, index) => id === fp32[index]),
    [true, true, false, true],
  );
});

test('the same cell said in two ways is one cell', () => {
  const { cells, dropped } = expand({
    matrix: {
      layers: ['all', 18, 12, { strategy: 'drop-last', drop: 6 }, { strategy: 'list', indices: [0, 1, 2] }, 3],
    },
  });
  assert.deepEqual(
    cells.map(({ layers }) => layers),
    [{ strategy: 'all' }, { strategy: 'first', keep: 12 }, { strategy: 'first', keep: 3 }],
  );
  assert.deepEqual(
    dropped.map(({ reason }) => reason),
    ['duplicate', 'duplicate', 'duplicate'],
  );
});

test('double quantization of the document turns nf4 into nf4-dq, under either name', () => {
  const fields = {
    matrix: { precision: ['bf16', 'nf4'], method: ['lora', 'qlora'], exclude: [{ precision: 'bf16' }] },
    quantization: { doubleQuant: true },
  };
  const byOne = expand({ ...fields, baseline: { precision: 'nf4' } });
  const byOther = expand({ ...fields, baseline: { precision: 'nf4-dq' } });
  assert.equal(byOne.cells[0]?.precision, 'nf4-dq');
  assert.equal(byOne.baselineCellId, byOne.cells[0]?.id);
  assert.deepEqual(byOther, byOne);
});

test('what the model or the device cannot do is dropped with the reason', () => {
  const tooDeep = expand({ matrix: { layers: [24, 12, { strategy: 'list', indices: [0, 18] }] } });
  assert.deepEqual(
    tooDeep.dropped.map(({ reason, message }) => [reason, message]),
    [
      ['too-many-layers', 'keeps 24 layers, but the model has 18'],
      ['too-many-layers', "keeps layer 18, but the model's layers are 0 to 17"],
    ],
  );
  assert.equal(expand({ matrix: { layers: [24, 12] } }, { layersOf: () => null }).dropped.length, 0);

  const reasons = (device: DeviceCapabilities, fields: object) =>
    expand(fields, { device }).dropped.map(({ label, reason }) => [label, reason]);
  const tf32 = { matrix: { precision: ['fp32', 'tf32'] } };
  assert.deepEqual(reasons(cpu, tf32), [['tf32', 'unsupported-precision']]);
  assert.deepEqual(reasons(t4, tf32), [['tf32', 'unsupported-precision']]);
  assert.deepEqual(reasons({ ...t4, computeCapability: '10.0' }, tf32), []);
  assert.deepEqual(reasons(t4, { matrix: { 'quantization.computeDtype': ['fp16', 'bf16'] } }), [
    ['computeDtype bf16', 'unsupported-precision'],
  ]);
  assert.equal(expand({ resources: { gpus: 2 } }, { device: cpu }).dropped[0]?.reason, 'does-not-fit');
});

test('a quantized checkpoint is had in its own precision alone', () => {
  const fields = {
    matrix: {
      precision: ['bf16', 'nf4', 'gptq'],
      method: ['lora', 'qlora'],
      exclude: [
        { precision: 'bf16', method: 'qlora' },
        { precision: ['nf4', 'gptq'], method: 'lora' },
      ],
    },
  };
  const left = (checkpoint: string | null | undefined) => {
    const { cells, dropped } = expand(fields, { checkpointOf: () => checkpoint });
    const reasons = dropped.filter(({ reason }) => reason !== 'excluded').map(({ reason }) => reason);
    return { cells: cells.map(({ precision }) => precision), reasons };
  };
  assert.deepEqual(left(undefined), { cells: ['bf16', 'nf4', 'gptq'], reasons: [] });
  assert.deepEqual(left(null), { cells: ['bf16', 'nf4'], reasons: ['checkpoint-precision'] });
  assert.deepEqual(left('gptq'), { cells: ['gptq'], reasons: ['checkpoint-precision', 'checkpoint-precision'] });
  assert.deepEqual(left('fp8').cells, []);
});

test('a trial asks for a GPU unless the machine is known to have none', () => {
  assert.equal(expand({}).trials[0]?.settings.gpus, 1);
  assert.equal(expand({}, { device: cpu }).trials[0]?.settings.gpus, 0);
  assert.equal(expand({ resources: { gpus: 4 } }).trials[0]?.settings.gpus, 4);
});

test('settings come from the axes where there is one, and from their section elsewhere', () => {
  const { trials } = expand({
    matrix: {
      method: ['full', 'lora'],
      'training.learningRate': [1e-3],
      'evaluation.microBatch': 4,
      'lora.targets': [['q_proj', 'v_proj']],
    },
    training: { learningRate: 1, steps: 7 },
  });
  const [full, lora] = trials;
  assert.equal(full?.settings.training.learningRate, 1e-3);
  assert.equal(full?.settings.training.steps, 7);
  assert.equal(full?.settings.evaluation.microBatch, 4);
  assert.equal(full?.settings.lora, null);
  assert.deepEqual(lora?.settings.lora?.targets, ['q_proj', 'v_proj']);
  assert.deepEqual(lora?.cell.parameters, {
    'training.learningRate': 1e-3,
    'lora.targets': 'q_proj+v_proj',
    'evaluation.microBatch': 4,
  });
});

test('a baseline that nothing is left of is null; without one it is the first cell', () => {
  const matrix = { layers: [24, 12], precision: ['bf16'] };
  assert.equal(expand({ matrix, baseline: { layers: 24 } }).baselineCellId, null);
  const open = expand({ matrix });
  assert.equal(open.baselineCellId, open.cells[0]?.id);
});

test('models are labelled by the shortest name that tells them apart', () => {
  const names = (model: unknown[]) => expand({ model: null, matrix: { model } }).cells.map(({ label }) => label);
  assert.deepEqual(names(['a/one', 'b/two']), ['one', 'two']);
  assert.deepEqual(names(['a/one', 'b/one']), ['a/one', 'b/one']);
  assert.deepEqual(names(['./x/one.gguf', './y/two.gguf']), ['one', 'two']);
  assert.deepEqual(names(['a/one', { source: 'hf', id: 'a/one', revision: 'v2' }]), ['a/one', 'a/one@v2']);
});
