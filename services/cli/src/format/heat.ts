/** Colours of the comparison: blue for the better end of a column, orange for the worse one (safe for colour-blind eyes). */
import type { ChalkInstance } from 'chalk';

const STEPS = [
  { background: '#b35806', text: '#ffffff' },
  { background: '#e08e2f', text: '#000000' },
  null,
  { background: '#74add1', text: '#000000' },
  { background: '#225ea8', text: '#ffffff' },
] as const;

export function heated(text: string, share: number | null, color: ChalkInstance): string {
  const step = share === null ? null : (STEPS[Math.min(STEPS.length - 1, Math.floor(share * STEPS.length))] ?? null);
  return step === null ? text : color.bgHex(step.background).hex(step.text)(text);
}
