import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AxisName, Condition } from './axes.ts';
import { compile, type Subject } from './conditions.ts';

const first = (keep: number): Subject => ({ value: { strategy: 'first', keep }, kept: keep });
const value = (one: Subject['value']): Subject => ({ value: one });

const CASES: readonly [AxisName, Condition, hits: readonly Subject[], misses: readonly Subject[]][] = [
  ['layers', '<9', [first(8)], [first(9), { value: { strategy: 'all' }, kept: null }]],
  ['layers', '<=9', [first(9)], [first(10)]],
  ['layers', '>12', [first(13), { value: { strategy: 'all' }, kept: null }], [first(12)]],
  ['layers', '>= 12', [first(12), { value: { strategy: 'all' }, kept: 18 }], [first(11)]],
  ['layers', '6..12', [first(6), first(12)], [first(5), first(13)]],
  ['layers', 6, [first(6), { value: { strategy: 'even', keep: 6 }, kept: 6 }], [first(7)]],
  ['layers', 'all', [{ value: { strategy: 'all' }, kept: 18 }], [first(18)]],
  [
    'layers',
    { strategy: 'even', keep: 6 } as Condition,
    [{ value: { strategy: 'even', keep: 6 }, kept: 6 }],
    [first(6)],
  ],
  ['layers', '<9', [], [{ value: { strategy: 'drop-last', drop: 3 }, kept: null }]],
  ['precision', 'nf4*', [value('nf4'), value('nf4-dq')], [value('fp4')]],
  ['precision', '*-dq', [value('fp4-dq')], [value('fp4')]],
  ['precision', 'nf4', [value('nf4')], [value('nf4-dq')]],
  [
    'model',
    'meta-llama/*',
    [value({ source: 'hf', id: 'meta-llama/x', revision: 'main' })],
    [value({ source: 'path', path: '/meta-llama', fingerprint: null })],
  ],
  [
    'model',
    '*.gguf',
    [value({ source: 'gguf', path: '/a.gguf', fingerprint: null })],
    [value({ source: 'hf', id: 'a.ggufx', revision: 'main' })],
  ],
  ['training.learningRate', '1e-5..1e-4', [value(1e-4)], [value(2e-4)]],
  ['training.maxGradNorm', null, [value(null)], [value(1)]],
  ['training.packing', true, [value(true)], [value(false), value(undefined)]],
  ['seed', '<-1', [], [value(0)]],
];

for (const [axis, condition, hits, misses] of CASES) {
  test(`${axis}: ${JSON.stringify(condition)}`, () => {
    const compiled = compile(axis, condition, []);
    assert.ok('value' in compiled);
    for (const hit of hits) assert.equal(compiled.value(hit), true, JSON.stringify(hit));
    for (const miss of misses) assert.equal(compiled.value(miss), false, JSON.stringify(miss));
  });
}

test('a pattern is text, not a regular expression', () => {
  const compiled = compile('model', 'a.b*(c', []);
  assert.ok('value' in compiled);
  assert.equal(compiled.value(value({ source: 'path', path: 'a.b/x(c', fingerprint: null })), true);
  assert.equal(compiled.value(value({ source: 'path', path: 'axb(c', fingerprint: null })), false);
});
