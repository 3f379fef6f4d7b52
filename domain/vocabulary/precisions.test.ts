import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capabilityTable, precisionTables } from './precision-tables.ts';
import { checkpointLack, gpuLack, PRECISIONS, type Precision, precisionFacts } from './precisions.ts';

const GPUS: readonly (readonly [Precision, string, string | null])[] = [
  ['tf32', '7.5', 'tf32 needs compute capability 8.0; T4 has 7.5'],
  ['tf32', '8.0', null],
  ['tf32', '10.0', null],
  ['int8', '7.0', 'int8 needs compute capability 7.5; T4 has 7.0'],
  ['int8', '7.5', null],
  ['nf4-dq', '5.2', 'nf4-dq needs compute capability 6.0; T4 has 5.2'],
  ['fp8', '7.0', null],
  ['int8-wo', '7.0', null],
  ['int4-hqq', '6.1', null],
  ['gptq', '7.0', null],
];

test('what a GPU lacks for a precision', () => {
  for (const [precision, capability, expected] of GPUS)
    assert.equal(gpuLack(precision, 'T4', capability), expected, `${precision} on ${capability}`);
});

const CHECKPOINTS: readonly (readonly [Precision, string | null, RegExp | null])[] = [
  ['bf16', null, null],
  ['gptq', 'gptq', null],
  ['awq', 'awq', null],
  ['gptq', null, /gptq is a format of checkpoints, and M is not stored in it: name a model that is/],
  ['nf4', 'gptq', /M is a gptq checkpoint and cannot be had as nf4: use precision gptq/],
  ['gptq', 'awq', /use precision awq/],
  ['bf16', 'fp8', /quantized already \(fp8\).*name the model that it was made of/],
];

test('a precision that is not the checkpoint’s is refused with what to do', () => {
  for (const [precision, checkpoint, expected] of CHECKPOINTS) {
    const found = checkpointLack(precision, 'M', checkpoint);
    if (expected === null) assert.equal(found, null);
    else assert.match(found ?? '', expected);
  }
});

test('only adapters are trained over what a library quantizes, and over checkpoints', () => {
  const { precisions } = capabilityTable();
  assert.deepEqual(Object.keys(precisions), [...PRECISIONS]);
  for (const precision of PRECISIONS)
    assert.equal(precisions[precision]?.quantized, precisionFacts(precision).library !== 'PyTorch', precision);
});

test('the page lists every precision once, with where it runs', () => {
  const table = precisionTables()['precisions'] ?? '';
  const names = [...table.matchAll(/^\| `([\w-]+)` /gm)].map(([, name]) => name);
  assert.deepEqual(names, [...PRECISIONS]);
  assert.match(table, /^\| `tf32` .* \| no \| 8\.0 and later \| – \|$/m);
});
