import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { gpuClassOf, inventoryOf } from '../contract/testing/gpus.ts';
import { KINDS } from '../memory/overhead.ts';
import { readShape } from '../memory/shape.ts';
import { DEFAULT_MARGINS, type Margins } from '../memory/spread.ts';
import { CONFIGS } from '../memory/testing/configs.ts';
import { base } from '../spec/arbitrary.ts';
import type { ExperimentDocument } from '../spec/document.ts';
import { parseDocument } from '../spec/parse.ts';
import type { GpuOffer } from './context.ts';
import { expandMatrix } from './expand.ts';
import { gpuClassesFor, gpuClassIssue } from './placement.ts';

const reading = readShape(CONFIGS.find(({ name }) => name === 'llama-3-8b')?.config);
assert.ok(reading.ok);
const llama = reading.shape;

const T4 = gpuClassOf('T4', 14.6, { computeCapability: '7.5' });
const A10 = gpuClassOf('A10', 22.1, { computeCapability: '8.6', perNode: 4 });
const A100 = gpuClassOf('A100', 39.4);
const H100 = gpuClassOf('H100', 79.1, { computeCapability: '9.0' });

function parsed(fields: object): ExperimentDocument {
  const result = parseDocument({ ...base, ...fields });
  assert.ok(result.ok, JSON.stringify(result));
  return result.document;
}

function offerOf(classes: GpuOffer['inventory']['classes'], scale?: number): GpuOffer {
  const wide = KINDS.map((kind) => [kind, { location: 0, scale, freedom: 30 }]);
  const margins = scale === undefined ? DEFAULT_MARGINS : (Object.fromEntries(wide) as Margins);
  return { inventory: inventoryOf(...classes), shapeOf: () => llama, marginsOf: () => ({ margins, trials: 0 }) };
}

function expand(fields: object, gpus: GpuOffer | null, trainerRevision = 'r1') {
  return expandMatrix(parsed(fields), { trainerRevision, device: null, layersOf: () => llama.layers, gpus });
}

function matrix(precision: string, method: string, more: object = {}) {
  return { matrix: { layers: ['all'], precision: [precision], method: [method], seed: [1] }, ...more };
}

function planOf(fields: object, gpus: GpuOffer | null) {
  const { trials, plans, dropped } = expand(fields, gpus);
  return { plan: plans[trials[0]?.cell.id ?? ''], dropped };
}

test('a cell gets the smallest class that it fits', () => {
  const classes = [H100, A100, A10, T4];
  const training = { training: { microBatch: 1, maxLength: 512 } };
  assert.equal(planOf(matrix('nf4', 'qlora', training), offerOf(classes)).plan?.gpuClass, 'T4');
  assert.equal(planOf(matrix('bf16', 'lora', training), offerOf(classes)).plan?.gpuClass, 'A10');
  const plain = { training: { ...training.training, masterWeights: 'none' } };
  const { plan } = planOf(matrix('bf16', 'full', plain), offerOf(classes));
  assert.deepEqual([plan?.gpuClass, plan?.gpus], ['H100', 1]);
});

test('full training that fits no single GPU is divided, and the effective batch stays', () => {
  const training = { training: { microBatch: 4, accumulation: 4, maxLength: 512 } };
  const { plan } = planOf(matrix('bf16', 'full', training), offerOf([A100]));
  assert.ok(plan !== undefined && plan.gpus > 1);
  assert.equal(plan.microBatch * plan.accumulation * plan.gpus, 16);
  const paged = { training: { ...training.training, optimizer: 'paged-adamw-8bit' } };
  assert.deepEqual(
    planOf(matrix('fp32', 'full', paged), offerOf([A10])).dropped.map(({ reason }) => reason),
    ['does-not-fit'],
    'states in blocks cannot be divided',
  );
});

test('what fits no class is dropped with how much it needs and what there is', () => {
  const { plan, dropped } = planOf(matrix('fp32', 'lora'), offerOf([T4, A10]));
  assert.equal(plan, undefined);
  assert.equal(dropped[0]?.reason, 'does-not-fit');
  assert.match(dropped[0].message, /^needs at least \d+\.\d GiB on one GPU.*largest class, A10, has 22\.1 GiB$/);
});

test('what no class can compute is dropped with the capability it takes; others are passed over', () => {
  const [dropped] = planOf(matrix('bf16', 'lora'), offerOf([T4])).dropped;
  assert.deepEqual(
    [dropped?.reason, /8\.0; T4 has 7\.5/.test(dropped?.message ?? '')],
    ['unsupported-precision', true],
  );
  const v100 = gpuClassOf('V100', 31.7, { computeCapability: '7.0' });
  assert.equal(planOf(matrix('int8', 'qlora'), offerOf([v100, A100])).plan?.gpuClass, 'A100');
  assert.equal(planOf(matrix('fp16', 'lora'), offerOf([v100, A100])).plan?.gpuClass, 'V100');
});

test('where it is not known what there is, or how large a model is, plans are as asked', () => {
  const asked = planOf(matrix('bf16', 'lora'), null).plan;
  assert.equal(asked?.gpuClass, null);
  assert.deepEqual(planOf(matrix('bf16', 'lora'), offerOf([])).plan, asked);
  assert.deepEqual(planOf(matrix('bf16', 'lora'), { ...offerOf([A10]), shapeOf: () => null }).plan, asked);
  const unsized = gpuClassOf('unsized', null);
  assert.deepEqual(planOf(matrix('bf16', 'lora'), offerOf([unsized])).plan, asked);
  // Only one of the two can compute it.
  const some = { ...offerOf([T4, A10]), shapeOf: () => null };
  assert.equal(planOf(matrix('bf16', 'lora'), some).plan?.gpuClass, 'A10');
  assert.equal(planOf(matrix('fp32', 'lora'), offerOf([A10, unsized])).plan?.gpuClass, 'unsized');
});

test('classes without a node that takes pods come last', () => {
  const empty = { ...A10, total: 0 };
  const training = { training: { microBatch: 1, maxLength: 512 } };
  assert.equal(planOf(matrix('bf16', 'lora', training), offerOf([empty, A100])).plan?.gpuClass, 'A100');
  assert.equal(planOf(matrix('bf16', 'lora', training), offerOf([empty, T4])).plan?.gpuClass, 'A10');
});

test('a named class is kept to; one that nobody has is a mistake that names those there are', () => {
  const named = matrix('nf4', 'qlora', { resources: { gpuClass: 'H100' } });
  assert.equal(planOf(named, offerOf([T4, H100])).plan?.gpuClass, 'H100');
  const expansion = expand(named, offerOf([T4, H100]));
  assert.deepEqual(gpuClassesFor(expansion, parsed(named), inventoryOf(T4, H100)), []);
  const issue = gpuClassIssue(
    parsed(matrix('nf4', 'qlora', { resources: { gpuClass: 'A10O' } })),
    inventoryOf(T4, A100),
  );
  assert.equal(issue?.path, 'resources.gpuClass');
  assert.match(issue.message, /T4, A100$/);
  assert.match(issue.fix ?? '', /A100/);
  assert.equal(gpuClassIssue(parsed(named), inventoryOf()), null);
});

test('trials may move up through classes that can compute all of them', () => {
  const fields = { matrix: { layers: ['all'], precision: ['bf16', 'nf4'], method: ['lora', 'qlora'], seed: [1] } };
  const expansion = expand(fields, offerOf([H100, T4, A10]));
  assert.deepEqual(gpuClassesFor(expansion, parsed(fields), inventoryOf(H100, T4, A10)), ['A10', 'H100']);
  const alias = { ...H100, name: 'large' };
  const classes = (plans: typeof expansion.plans) =>
    gpuClassesFor({ ...expansion, plans }, parsed(fields), inventoryOf(alias, H100, A10));
  assert.deepEqual(classes(expansion.plans), ['A10', 'H100'], 'the same size again is no help');
  const plans = Object.fromEntries(
    Object.entries(expansion.plans).map(([id, plan]) => [id, { ...plan, gpuClass: 'large' }]),
  );
  assert.deepEqual(classes(plans), ['A10', 'H100', 'large']);
});

const anyCell = fc.record({
  choice: fc.constantFrom(['bf16', 'full'], ['bf16', 'lora'], ['fp16', 'lora'], ['int8', 'qlora'], ['nf4-dq', 'qlora']),
  layers: fc.integer({ min: 1, max: 32 }),
  microBatch: fc.constantFrom(1, 2, 3, 8),
  accumulation: fc.constantFrom(1, 4, 6),
  maxLength: fc.constantFrom(128, 1024, 4096),
  checkpointing: fc.boolean(),
});

function fieldsOf({ choice, layers, ...training }: typeof anyCell extends fc.Arbitrary<infer C> ? C : never) {
  return {
    matrix: { layers: [layers], precision: [choice[0]], method: [choice[1]], seed: [1] },
    training,
    evaluation: { maxTokens: 4096 },
  };
}

test('a plan keeps the effective batch, and the id of a trial is that of any other installation', () => {
  const several = fc.subarray([T4, A10, A100, H100], { minLength: 1 });
  fc.assert(
    fc.property(anyCell, several, (cell, classes) => {
      const here = expand(fieldsOf(cell), offerOf(classes));
      const elsewhere = expand(fieldsOf(cell), null);
      for (const trial of here.trials) {
        assert.deepEqual(trial, elsewhere.trials[0]);
        const plan = here.plans[trial.cell.id];
        assert.ok(plan);
        assert.equal(plan.microBatch * plan.accumulation * plan.gpus, cell.microBatch * cell.accumulation);
      }
    }),
  );
});

test('more memory never makes a cell impossible, nor does it need more GPUs', () => {
  fc.assert(
    fc.property(anyCell, fc.integer({ min: 6, max: 80 }), fc.integer({ min: 0, max: 80 }), (cell, gib, more) => {
      const gpusOf = (size: number) => planOf(fieldsOf(cell), offerOf([gpuClassOf('one', size)])).plan?.gpus ?? null;
      const [small, large] = [gpusOf(gib), gpusOf(gib + more)];
      if (small !== null) assert.ok(large !== null && large <= small);
    }),
  );
});

test('a larger margin never leads to a smaller class', () => {
  const classes = [T4, A10, A100, H100].map((one) => ({ ...one, computeCapability: '9.0' }));
  const size = (name: string | null | undefined) => classes.find((one) => one.name === name)?.memoryBytes ?? Infinity;
  fc.assert(
    fc.property(anyCell, fc.double({ min: 0, max: 0.5, noNaN: true }), (cell, safety) => {
      if (cell.choice[1] === 'full') return;
      const { plan } = planOf(fieldsOf(cell), offerOf(classes, 0));
      assert.ok(size(planOf(fieldsOf(cell), offerOf(classes, safety)).plan?.gpuClass) >= size(plan?.gpuClass));
    }),
  );
});
