import type { Method } from '@lamina/domain/vocabulary/methods.ts';
import type { Precision } from '@lamina/domain/vocabulary/precisions.ts';
import type { SymbolName } from './symbols.ts';

/**
 * Order, mark and colour of each precision, the same in every plot. Shape and colour say the same thing twice,
 * so that a reader who cannot tell two colours apart still can tell the marks apart.
 */
export const PRECISION_STYLE: Record<Precision, { color: string; symbol: SymbolName }> = {
  fp32: { color: 'var(--p-fp32)', symbol: 'square' },
  tf32: { color: 'var(--p-tf32)', symbol: 'hexagon' },
  bf16: { color: 'var(--p-bf16)', symbol: 'circle' },
  fp16: { color: 'var(--p-fp16)', symbol: 'diamond' },
  fp8: { color: 'var(--p-fp8)', symbol: 'bow-tie' },
  int8: { color: 'var(--p-int8)', symbol: 'triangle' },
  'int8-wo': { color: 'var(--p-int8-wo)', symbol: 'triangle-right' },
  'int4-wo': { color: 'var(--p-int4-wo)', symbol: 'triangle-left' },
  'int4-hqq': { color: 'var(--p-int4-hqq)', symbol: 'hourglass' },
  nf4: { color: 'var(--p-nf4)', symbol: 'star' },
  'nf4-dq': { color: 'var(--p-nf4-dq)', symbol: 'triangle-down' },
  fp4: { color: 'var(--p-fp4)', symbol: 'cross' },
  'fp4-dq': { color: 'var(--p-fp4-dq)', symbol: 'pentagon' },
  gptq: { color: 'var(--p-gptq)', symbol: 'bar' },
  awq: { color: 'var(--p-awq)', symbol: 'post' },
};

export const PRECISION_ORDER = Object.keys(PRECISION_STYLE) as readonly Precision[];

const METHOD_ORDER: readonly Method[] = ['full', 'lora', 'qlora'];

export function byPrecisionThenMethod(
  a: { precision: Precision; method: Method },
  b: { precision: Precision; method: Method },
): number {
  return (
    PRECISION_ORDER.indexOf(a.precision) - PRECISION_ORDER.indexOf(b.precision) ||
    METHOD_ORDER.indexOf(a.method) - METHOD_ORDER.indexOf(b.method)
  );
}
