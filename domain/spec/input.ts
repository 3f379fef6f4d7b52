/** Shorthands of the document: forms that people write and the system keeps in one plain form. */
import { z } from 'zod';
import { described, encodeProblem, explain } from './problems.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

type Reading<T> = { readonly value: T } | { readonly message: string; readonly fix: string };

/**
 * A schema whose input is read by a function. A zod union of the accepted forms could only say "Invalid input";
 * this says what is wrong. `accepts` describes the forms in JSON Schema.
 */
function reads<T>(read: (input: unknown) => Reading<T>, ...accepts: readonly JsonSchema[]) {
  return z
    .unknown()
    .transform((input, context): T => {
      const reading = read(input);
      if ('value' in reading) return reading.value;
      context.issues.push({ code: 'custom', input, message: encodeProblem(reading) });
      return z.NEVER;
    })
    .meta({ anyOf: accepts });
}

/** How a value may be written, for messages and for JSON Schema. */
interface Forms {
  /** "a model" */
  readonly name: string;
  /** What to write instead of something else. */
  readonly fix: string;
  /** The short forms. */
  readonly accepts: readonly JsonSchema[];
}

/** A schema with short forms, which `expand` turns into what the schema reads. */
export function shorthand<T extends z.ZodType>(schema: T, expand: (input: unknown) => unknown, forms: Forms) {
  return z
    .unknown()
    .transform((input, context): z.output<T> => {
      const expanded = expand(input);
      if (typeof expanded !== 'object' || expanded === null || Array.isArray(expanded)) {
        const problem = input === undefined ? 'is required' : `must be ${forms.name}, got ${described(input)}`;
        context.issues.push({ code: 'custom', input, message: encodeProblem({ message: problem, fix: forms.fix }) });
        return z.NEVER;
      }
      const read = schema.safeParse(expanded, { error: explain });
      if (read.success) return read.data;
      // A short form has no fields that a path could lead to.
      const path = (found: z.core.$ZodIssue) => (typeof input === 'object' ? found.path : []);
      const issues = read.error.issues.map((found) => ({ ...found, input, path: path(found) }));
      context.issues.push(...(issues as z.core.$ZodRawIssue[]));
      return z.NEVER;
    })
    .meta({ anyOf: [...forms.accepts, inputSchema(schema)] });
}

/** A field that may be left out: its default and what it means. */
export function field<T extends z.ZodType>(schema: T, fallback: z.output<T>, meaning: string): z.ZodDefault<T> {
  return z._default(schema, fallback as never).meta({ description: meaning, default: fallback }) as z.ZodDefault<T>;
}

export function inputSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: 'input',
    unrepresentable: 'any',
    // Defaults behind a shorthand are left out otherwise.
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === 'default') jsonSchema.default = zodSchema._zod.def.defaultValue as never;
    },
  });
  return rest;
}

const DURATION_UNITS = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 } as const;
const DURATION = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/;

/** Seconds, as a number or as "90s", "30m", "2h", "1d". */
export function duration(options: { zero?: boolean } = {}) {
  const fix = 'write seconds as a number, or "90s", "30m", "2h", "1d"';
  return reads<number>(
    (input) => {
      const seconds = typeof input === 'string' ? unitValue(input, DURATION, DURATION_UNITS) : input;
      if (typeof seconds !== 'number' || !Number.isFinite(seconds))
        return { message: `must be a duration, got ${described(input)}`, fix };
      if (seconds < 0 || (seconds === 0 && options.zero !== true))
        return { message: `must be longer than nothing, got ${described(input)}`, fix };
      return { value: seconds };
    },
    { type: 'number', ...(options.zero === true ? { minimum: 0 } : { exclusiveMinimum: 0 }) },
    { type: 'string', pattern: DURATION.source },
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
const SIZE = /^(\d+(?:\.\d+)?) ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$/;

/** Bytes, as a whole number or as "512MiB", "16GiB", "16GB" (10⁹ bytes). */
export function size({ least = 1 }: { readonly least?: number } = {}) {
  return reads<number>(
    (input) => {
      const bytes = typeof input === 'string' ? unitValue(input, SIZE, SIZE_UNITS) : input;
      if (typeof bytes === 'number' && bytes >= 1 && bytes < least)
        return { message: `${described(input)} is less than 1 GiB`, fix: `write the unit: "${bytes}GiB"` };
      if (typeof bytes !== 'number' || !Number.isFinite(bytes) || bytes < 1)
        return {
          message: `must be a size, got ${described(input)}`,
          fix: 'write bytes as a number, or "512MiB", "16GiB", "16GB"',
        };
      return { value: Math.round(bytes) };
    },
    { type: 'integer', minimum: least },
    { type: 'string', pattern: SIZE.source },
  );
}

function unitValue(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number | null {
  const [, amount, unit] = pattern.exec(text.trim()) ?? [];
  const factor = unit === undefined ? undefined : units[unit];
  return amount === undefined || factor === undefined ? null : Number(amount) * factor;
}
