/** Tick values for a logarithmic axis. */

/** Mantissas in each decade, from sparse to dense. */
const MANTISSAS = [[1], [1, 3], [1, 2, 5], [1, 2, 3, 5, 7], [1, 2, 3, 4, 5, 6, 7, 8, 9]];
/** Steps of an even scale, for ranges too small for powers of ten. */
const STEPS = [1, 2, 2.5, 5];

/**
 * Round values between `low` and `high` (both positive), as many as fit with at least 1/`most` of the axis between
 * neighbours. At least one value where any round value lies within.
 */
export function logTicks(low: number, high: number, most: number): readonly number[] {
  const span = Math.log(high / low);
  if (!(low > 0) || !(span > 0)) return low > 0 ? [low] : [];
  const fits = (ticks: readonly number[]) =>
    ticks.every((tick, i) => i === 0 || Math.log(tick / (ticks[i - 1] ?? tick)) / span >= 1 / most);
  const candidates = [...MANTISSAS.map((set) => decades(low, high, set)), ...evenSets(low, high)].filter(fits);
  return candidates.reduce((best, ticks) => (ticks.length > best.length ? ticks : best), []);
}

function decades(low: number, high: number, mantissas: readonly number[]): readonly number[] {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    .flatMap((power) => mantissas.map((mantissa) => rounded(mantissa * 10 ** power)))
    .filter((tick) => tick >= low && tick <= high);
}

function evenSets(low: number, high: number): readonly (readonly number[])[] {
  const power = Math.floor(Math.log10(high - low));
  return [power - 1, power].flatMap((exponent) =>
    STEPS.map((mantissa) => {
      const step = mantissa * 10 ** exponent;
      const first = Math.ceil(low / step);
      const length = Math.floor(high / step) - first + 1;
      return Array.from({ length: Math.max(0, length) }, (_, i) => rounded((first + i) * step));
    }),
  );
}

/** Without the last digits of a floating-point product. */
function rounded(value: number): number {
  return Number(value.toPrecision(12));
}
