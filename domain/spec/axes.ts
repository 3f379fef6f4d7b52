/** The axes a matrix may have, by the path they are written at, and the schema of one value of each. */
import { z } from 'zod';
import { loraSettings, type ModelRef, scoringSettings, trainingSettings } from '../contract/settings.ts';
import { METHODS } from '../vocabulary/methods.ts';
import { PRECISIONS } from '../vocabulary/precisions.ts';
import { COMPUTE_DTYPES } from '../vocabulary/training.ts';
import { depth } from './layers.ts';
import { modelInput } from './references-input.ts';

export const quantizationSettings = z.strictObject({
  computeDtype: z.enum(COMPUTE_DTYPES),
  doubleQuant: z.boolean().nullable(),
});

const settingSchemas = {
  ...prefixed('training', trainingSettings.shape),
  ...prefixed('lora', loraSettings.shape),
  ...prefixed('quantization', quantizationSettings.shape),
  ...prefixed('evaluation', scoringSettings.shape),
};

/** Schema of one value, by axis. The order is the order of nesting: later axes vary faster. */
export const axisSchemas = {
  model: modelInput,
  layers: depth,
  precision: z.enum(PRECISIONS),
  method: z.enum(METHODS),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  ...settingSchemas,
};
export type AxisName = keyof typeof axisSchemas;
export const AXIS_NAMES = Object.keys(axisSchemas) as readonly AxisName[];

/** Axes that set a setting by its path, e.g. `training.learningRate`. */
export type SettingPath = keyof typeof settingSchemas;
export const SETTING_PATHS = Object.keys(settingSchemas) as readonly SettingPath[];

export function isAxis(name: string): name is AxisName {
  return Object.hasOwn(axisSchemas, name);
}

type Values = { readonly [A in AxisName]: z.output<(typeof axisSchemas)[A]> };
export type AxisValue = Values[AxisName];

/** Values for some of the axes. */
export type PartialCell = { readonly [A in AxisName]?: Values[A] | undefined };
/** Lists of values for some of the axes. */
export type PartialMatrix = { readonly [A in AxisName]?: readonly Values[A][] | undefined };

/** A condition on one axis: a value, a range ("<9", "6..12") or a pattern ("nf4*"). */
export type Condition = string | number | boolean | null | ModelRef | { readonly strategy: string };
/** All of the axes named must fulfil one of their conditions. */
export type Matcher = { readonly [A in AxisName]?: readonly Condition[] | undefined };

/** A matrix after reading. Axes that every cell needs have their default as the only value. */
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

function prefixed<P extends string, S extends Readonly<Record<string, z.ZodType>>>(prefix: P, shape: S) {
  return Object.fromEntries(Object.entries(shape).map(([key, schema]) => [`${prefix}.${key}`, schema])) as {
    [K in keyof S & string as `${P}.${K}`]: S[K];
  };
}
