/** Colours of the comparison: blue for the better end of a column, orange for the worse one (safe for colour-blind eyes). */
import type { ChalkInstance } from 'chalk';

const STEPS = [
  { background: '#b35806', text: '#ffffff' },
  { background: '#e08e2f', text: '#000000' },
  null,
  { background: '#74add1', text: '#000000' },
  { background: '#225ea8', text: '#ffffff' },
] as const;

/** Where a value stands between the worst (0) and the best (1) of its column; null where nothing can be said. */
export function heat(
  values: readonly (number | null)[],
  better: 'lower' | 'higher' | null,
): (value: number | null) => number | null {
  const known = values.filter((value) => value !== null);
  const low = Math.min(...known);
  const span = Math.max(...known) - low;
  if (better === null || known.length < 2 || span === 0) return () => null;
  return (value) => {
    if (value === null) return null;
    const share = (value - low) / span;
    return better === 'lower' ? 1 - share : share;
  };
}

export function heated(text: string, share: number | null, color: ChalkInstance): string {
  const step = share === null ? null : (STEPS[Math.min(STEPS.length - 1, Math.floor(share * STEPS.length))] ?? null);
  return step === null ? text : color.bgHex(step.background).hex(step.text)(text);
}
