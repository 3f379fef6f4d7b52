/** Documents for property tests. */
import fc from 'fast-check';

/** The smallest correct document. */
export const base = { apiVersion: 'lamina/v1', name: 'test', model: 'owner/model', dataset: 'notes.jsonl' } as const;

const someOf = <T>(...values: readonly T[]) => fc.subarray([...values], { minLength: 1 });
const depths = someOf<unknown>(
  'all',
  12,
  6,
  { strategy: 'even', keep: 12 },
  { strategy: 'drop-last', drop: 6 },
  { strategy: 'list', indices: [0, 5] },
);

/** Matrices with every kind of axis, each of which has at least one cell that makes sense. */
export const anyMatrix = fc
  .record({
    layers: depths,
    precision: someOf('fp32', 'bf16', 'int8', 'nf4', 'nf4-dq'),
    method: fc.constantFrom(['full', 'lora', 'qlora'], ['lora', 'qlora'], ['full', 'qlora']),
    seed: fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 3 }),
  })
  .chain((main) =>
    fc
      .record(
        {
          'lora.r': someOf(8, 16),
          'training.learningRate': someOf(1e-4, 2e-4),
          'training.maxGradNorm': someOf(null, 1),
          'lora.targets': someOf<unknown>('all-linear', ['q_proj', 'v_proj']),
          exclude: fc.constantFrom<unknown[]>([], [{ precision: 'nf4*', layers: '<9' }], [{ seed: [1, 2] }]),
          include: fc.constantFrom<unknown[]>([], [{ layers: 3, method: 'lora', precision: 'bf16', seed: [77] }]),
        },
        { requiredKeys: [] },
      )
      .map((further) => ({ ...main, ...further })),
  );

export const anyDocument = fc.record(
  {
    ...Object.fromEntries(Object.entries(base).map(([key, value]) => [key, fc.constant(value)])),
    matrix: anyMatrix,
    labels: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ maxLength: 20 })),
    training: fc.record(
      { steps: fc.integer({ min: 1, max: 1000 }), packing: fc.boolean(), learningRate: fc.constantFrom(1e-4, 3e-4) },
      { requiredKeys: [] },
    ),
    policy: fc.record({ stall: fc.constantFrom(60, '5m'), maxParallel: fc.integer({ min: 1, max: 9 }) }),
    search: fc.constantFrom<unknown[]>(
      null,
      { parameters: { 'training.weightDecay': { low: 0, high: 0.1 }, 'lora.alpha': { choices: [8, 16] } } },
      { parameters: { 'training.warmupSteps': { low: 0, high: 1 } }, sampler: 'grid', trials: 2, objectives: ['loss'] },
    ),
    resources: fc.record({ memory: fc.constantFrom(null, '8GiB', 1e9) }),
  },
  { requiredKeys: Object.keys(base) as never[] },
);
