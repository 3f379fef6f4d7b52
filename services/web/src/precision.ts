import { METHODS, type Method } from '@lamina/domain/vocabulary/methods.ts';
import { PRECISIONS, type Precision } from '@lamina/domain/vocabulary/precisions.ts';
import type { SymbolName } from './symbols.ts';

interface Mark {
  readonly color: string;
  readonly symbol: SymbolName;
}

/** Marks that readers know by now. */
const KNOWN: Partial<Record<Precision, Mark>> = {
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

/** For precisions that are newer, in their order. */
const FURTHER: readonly Mark[] = [
  { color: 'var(--p-further-1)', symbol: 'octagon' },
  { color: 'var(--p-further-2)', symbol: 'saltire' },
  { color: 'var(--p-further-3)', symbol: 'trapezium' },
];
const UNKNOWN = PRECISIONS.filter((precision) => KNOWN[precision] === undefined);

/**
 * Mark and colour of each precision, the same in every plot. Shape and colour say the same thing twice, so that a reader
 * who cannot tell two colours apart still can tell the marks apart.
 */
export const PRECISION_STYLE = Object.fromEntries(
  PRECISIONS.map((precision) => [precision, KNOWN[precision] ?? FURTHER[UNKNOWN.indexOf(precision) % FURTHER.length]]),
) as Record<Precision, Mark>;

export function byPrecisionThenMethod(
  a: { precision: Precision; method: Method },
  b: { precision: Precision; method: Method },
): number {
  return (
    PRECISIONS.indexOf(a.precision) - PRECISIONS.indexOf(b.precision) ||
    METHODS.indexOf(a.method) - METHODS.indexOf(b.method)
  );
}
