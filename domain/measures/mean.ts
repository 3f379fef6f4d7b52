/** Null without samples. */
export function mean(samples: readonly number[]): number | null {
  if (samples.length === 0) return null;
  let sum = 0;
  for (const sample of samples) sum += sample;
  return sum / samples.length;
}
