/** Shorthands of the document: values that people write as text and the system keeps as numbers or objects. */
import { z } from 'zod';
import { described, encodeProblem } from './problems.ts';

type Reading<T> = { readonly value: T } | { readonly message: string; readonly fix: string };

/**
 * A schema whose input is read by a function. A zod union of forms could only say "Invalid input";
 * this says what is wrong. `accepts` describes the input for the JSON Schema.
 */
export function reads<T>(read: (input: unknown) => Reading<T>, accepts: Record<string, unknown>) {
  return z
    .unknown()
    .transform((input, context): T => {
      const reading = read(input);
      if ('value' in reading) return reading.value;
      context.issues.push({ code: 'custom', input, message: encodeProblem(reading) });
      return z.NEVER;
    })
    .meta(accepts);
}

const DURATION_UNITS = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 } as const;
const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/;

/** Seconds, as a number or as "90s", "30m", "2h", "1d". */
export function duration(options: { positive?: boolean } = {}) {
  const positive = options.positive ?? true;
  return reads<number>(
    (input) => {
      const seconds = typeof input === 'string' ? unitValue(input, DURATION, DURATION_UNITS) : input;
      if (typeof seconds !== 'number' || !Number.isFinite(seconds))
        return {
          message: `is not a duration: ${described(input)}`,
          fix: 'write seconds as a number, or "90s", "30m", "2h", "1d"',
        };
      if (seconds < 0 || (positive && seconds === 0))
        return { message: `must be longer than nothing, got ${described(input)}`, fix: 'write a positive duration' };
      return { value: seconds };
    },
    {
      anyOf: [
        { type: 'number', minimum: 0 },
        { type: 'string', pattern: DURATION.source },
      ],
    },
  );
}

const SIZE_UNITS = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
} as const;
const SIZE = /^(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$/;

/** Bytes, as a whole number or as "512MiB", "16GiB", "16GB". */
export function size() {
  return reads<number>(
    (input) => {
      const bytes = typeof input === 'string' ? unitValue(input, SIZE, SIZE_UNITS) : input;
      if (typeof bytes !== 'number' || !Number.isFinite(bytes) || bytes < 1)
        return {
          message: `is not a size: ${described(input)}`,
          fix: 'write bytes as a number, or "512MiB", "16GiB", "16GB"',
        };
      return { value: Math.round(bytes) };
    },
    {
      anyOf: [
        { type: 'integer', minimum: 1 },
        { type: 'string', pattern: SIZE.source },
      ],
    },
  );
}

function unitValue(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number | null {
  const [, amount, unit] = pattern.exec(text.trim()) ?? [];
  const factor = unit === undefined ? undefined : units[unit];
  return amount === undefined || factor === undefined ? null : Number(amount) * factor;
}
