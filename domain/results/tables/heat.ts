/** How strongly a value is tinted, in the terminal and on pages: 1 for the best of its column, 0 for the worst. */
import type { Better } from './column.ts';

export interface HeatScale {
  readonly worst: number;
  readonly best: number;
  /** Null for what was not measured; 0.5 where all values are equal. */
  readonly intensity: (value: number | null) => number | null;
}

/** Null where fewer than two values are known: one value has nothing to be compared with. */
export function heatScale(
  values: readonly (number | null)[],
  { better, scale }: { better: Better; scale: 'linear' | 'log' },
): HeatScale | null {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length < 2) return null;
  const low = Math.min(...known);
  const high = Math.max(...known);
  const position = scale === 'log' && low > 0 ? Math.log : (value: number) => value;
  const span = position(high) - position(low);
  return {
    worst: better === 'lower' ? high : low,
    best: better === 'lower' ? low : high,
    intensity: (value) => {
      if (value === null || !Number.isFinite(value)) return null;
      if (span === 0) return 0.5;
      const share = (position(value) - position(low)) / span;
      return better === 'lower' ? 1 - share : share;
    },
  };
}
