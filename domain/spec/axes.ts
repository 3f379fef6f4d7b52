/** The axes a matrix may have, by the path they are written at, and the schema of one value of each. */
import { z } from 'zod';
import { evaluationSettings, loraSettings, type ModelRef, modelRef, trainingSettings } from '../contract/trial.ts';
import { depth } from './layers.ts';
import { COMPUTE_DTYPES, METHODS, PRECISIONS } from './vocabulary.ts';

/** A model: "owner/name" on the hub, a folder ("./models/x"), a .gguf file, or the same spelled out. */
export const modelInput = z.preprocess((input) => {
  if (typeof input !== 'string') return input;
  if (/\.gguf$/i.test(input)) return { source: 'gguf', path: input };
  if (/^(\.{0,2}\/|~)/.test(input)) return { source: 'path', path: input };
  return { source: 'hf', id: input };
}, modelRef);

const quantizationAxes = { computeDtype: z.enum(COMPUTE_DTYPES), doubleQuant: z.boolean().nullable() };

const settingsAxes = {
  ...prefixed('training', trainingSettings.shape),
  ...prefixed('lora', loraSettings.shape),
  ...prefixed('quantization', quantizationAxes),
  ...prefixed('evaluation', evaluationSettings.shape),
};

const mainAxes = {
  model: modelInput,
  layers: depth,
  precision: z.enum(PRECISIONS),
  method: z.enum(METHODS),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
};

/** Schema of one value, by axis. The order is the order of nesting: later axes vary faster. */
export const axisSchemas = { ...mainAxes, ...settingsAxes };
export type AxisName = keyof typeof axisSchemas;
export const AXIS_NAMES = Object.keys(axisSchemas) as readonly AxisName[];

/** Axes that set a setting by its path, e.g. `training.learningRate`. */
export type SettingPath = keyof typeof settingsAxes;
export const SETTING_PATHS = Object.keys(settingsAxes) as readonly SettingPath[];

type Values = { readonly [A in AxisName]: z.output<(typeof axisSchemas)[A]> };
export type AxisValue = Values[AxisName];
export type SettingValue = Values[SettingPath];

/** Values for some of the axes. */
export type PartialCell = { readonly [A in AxisName]?: Values[A] | undefined };
/** Lists of values for some of the axes. */
export type PartialMatrix = { readonly [A in AxisName]?: readonly Values[A][] | undefined };

export const partialCell = z.strictObject(optional((schema) => schema)) as unknown as z.ZodType<
  PartialCell,
  Record<string, unknown>
>;

/** A condition on one axis: a value, a range, a pattern, or a list of them of which any may hold. */
export type Condition = string | number | boolean | null | ModelRef | { readonly strategy: string };
export type Matcher = { readonly [A in AxisName]?: readonly Condition[] | undefined };

const DESCRIPTIONS = {
  model: 'models',
  layers: 'depths: 12 keeps the first 12 decoder layers, "all" keeps all, or a strategy spelled out. Default: all',
  precision: 'how base weights are stored. Default: bf16',
  method: 'how weights are trained. Default: lora',
  seed: 'seeds; every cell is run with each of them. Default: 0',
};

const condition = z.union([z.string(), z.number(), z.boolean(), z.null(), z.record(z.string(), z.unknown())]);
const matcher = z.strictObject(optional(() => orList(condition))) as unknown as z.ZodType<
  Matcher,
  Record<string, unknown>
>;

const entry = z.strictObject(optional(orList)) as unknown as z.ZodType<PartialMatrix, Record<string, unknown>>;

const listed = optional((schema, name) =>
  orList(schema).describe(name in DESCRIPTIONS ? DESCRIPTIONS[name as keyof typeof DESCRIPTIONS] : `values of ${name}`),
);

/** What a matrix looks like after parsing. Axes that are not given have their default as the only value. */
export type Matrix = PartialMatrix & {
  readonly layers: readonly Values['layers'][];
  readonly precision: readonly Values['precision'][];
  readonly method: readonly Values['method'][];
  readonly seed: readonly number[];
  readonly include: readonly PartialMatrix[];
  readonly exclude: readonly Matcher[];
};

export const MATRIX_DEFAULTS = {
  layers: [{ strategy: 'all' }],
  precision: ['bf16'],
  method: ['lora'],
  seed: [0],
} as const;

export const matrix = z
  .strictObject({
    ...listed,
    include: z
      .array(entry)
      .default([])
      .describe('further cells; axes that one does not name take their first value, seeds all of theirs'),
    exclude: z
      .array(matcher)
      .default([])
      .describe('cells to leave out: every condition of one entry must hold, e.g. {layers: "<9", precision: "nf4*"}'),
  })
  .prefault({}) as unknown as z.ZodType<Matrix, Record<string, unknown> | undefined>;

function orList<T extends z.ZodType>(schema: T) {
  return z.preprocess((input) => (Array.isArray(input) ? input : [input]), z.array(schema).min(1));
}

function optional(of: (schema: z.ZodType, name: string) => z.ZodType): Record<string, z.ZodOptional<z.ZodType>> {
  return Object.fromEntries(Object.entries(axisSchemas).map(([name, schema]) => [name, of(schema, name).optional()]));
}

function prefixed<P extends string, S extends Readonly<Record<string, z.ZodType>>>(prefix: P, shape: S) {
  return Object.fromEntries(Object.entries(shape).map(([key, schema]) => [`${prefix}.${key}`, schema])) as {
    [K in keyof S & string as `${P}.${K}`]: S[K];
  };
}
