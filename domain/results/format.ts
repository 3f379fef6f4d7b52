/** Numbers for people: GiB, tokens/s, J per token. `–` stands for "not measured". */

import type { MemoryCounter } from '../vocabulary/comparison.ts';
import type { Estimate } from './estimates.ts';

export const NOT_MEASURED = '–';

/** Shown with every memory figure. */
export const MEMORY_COUNTER_NAMES: Readonly<Record<MemoryCounter, string>> = {
  'peak-reserved': 'peak reserved GPU memory',
  'peak-rss': 'peak process memory (RSS)',
};

export function fixed(digits: number): (value: number) => string {
  return (value) => withoutNegativeZero(value.toFixed(digits));
}

/** About three significant digits without an exponent: 0.0123, 4.56, 78.9, 12345. */
export function significant(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : Math.min(8, 2 - Math.floor(Math.log10(size)));
  return withoutNegativeZero(value.toFixed(digits));
}

export function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(2);
}

export function millions(count: number): string {
  return significant(count / 1e6);
}

export function percent(share: number): string {
  return withoutNegativeZero((share * 100).toFixed(1));
}

export function signed(show: (value: number) => string): (value: number) => string {
  return (value) => {
    const text = show(Math.abs(value));
    return Number(text) === 0 ? text : `${value < 0 ? '−' : '+'}${text}`;
  };
}

/** "2.913 ± 0.021": mean and half of its 95 % interval, to the mean's decimals; the mean alone below two samples. */
export function withHalfWidth(
  { mean, low, high }: Pick<Estimate, 'mean' | 'low' | 'high'>,
  show: (value: number) => string,
): string {
  if (mean === null) return NOT_MEASURED;
  const text = show(mean);
  if (low === null || high === null) return text;
  const decimals = text.split('.')[1]?.length ?? 0;
  return `${text} ± ${Number(show((high - low) / 2).replace('+', '')).toFixed(decimals)}`;
}

/** "0.63 [0.60, 0.66]": mean and its 95 % interval, for values whose interval is not symmetric. */
export function withRange(
  { mean, low, high }: Pick<Estimate, 'mean' | 'low' | 'high'>,
  show: (value: number) => string,
): string {
  if (mean === null) return NOT_MEASURED;
  return low === null || high === null ? show(mean) : `${show(mean)} [${show(low)}, ${show(high)}]`;
}

/** "a", "a and b", "a, b, c and 4 more". */
export function listing(items: readonly string[], limit: number): string {
  if (items.length <= 1) return items[0] ?? '';
  if (items.length <= limit) return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
  return `${items.slice(0, limit).join(', ')} and ${items.length - limit} more`;
}

/** "1 cell", "3 cells". */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function withoutNegativeZero(text: string): string {
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text;
}
