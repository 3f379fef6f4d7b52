/** The section `search` of a document: which settings are searched instead of listed, and how. */
import { z } from 'zod';
import { PRUNERS, SAMPLERS, type SearchRange } from '../contract/search.ts';
import { axisSchemas, SETTING_PATHS, type SettingPath } from './axes.ts';
import { field, inputSchema } from './input.ts';
import { explain } from './problems.ts';

export const SEARCH_OBJECTIVES = [
  'loss',
  'perplexity',
  'accuracy',
  'tokensPerSecond',
  'peakMemory',
  'energy',
  'cost',
] as const;
/**
 * What a search looks for: held-out loss or perplexity (lower), token accuracy (higher), tokens per second of training
 * (higher), peak memory while training, energy per token, or cost of a trial (lower).
 */
export type SearchObjective = (typeof SEARCH_OBJECTIVES)[number];

const searchedRange = z.strictObject({
  low: z.number().describe('smallest value'),
  high: z.number().describe('largest value'),
  log: z.boolean().default(false).describe('drawn evenly over its logarithm'),
  step: z.number().positive().nullable().default(null).describe('multiples from `low` on; null: any value'),
});
const searchedChoices = z.strictObject({
  choices: z
    .array(z.union([z.string(), z.number(), z.boolean()]))
    .min(1)
    .describe('the values to choose from'),
});
export type SearchedRange = z.infer<typeof searchedRange>;
export type SearchedChoices = z.infer<typeof searchedChoices>;
/** What one parameter may be, as a document says it. */
export type Searched = SearchedRange | SearchedChoices;

/** A union could only say "Invalid input": the form that was begun is the one that is read. */
const searched = z
  .unknown()
  .transform((input, context): Searched => {
    const listed = typeof input === 'object' && input !== null && 'choices' in input;
    const read = (listed ? searchedChoices : searchedRange).safeParse(input, { error: explain });
    if (read.success) return read.data;
    context.issues.push(...(read.error.issues.map((found) => ({ ...found, input })) as z.core.$ZodRawIssue[]));
    return z.NEVER;
  })
  .meta({ anyOf: [inputSchema(searchedRange), inputSchema(searchedChoices)] });

const pruner = z.strictObject({
  kind: field(z.enum(PRUNERS), 'median', 'which trials are not worth going on with'),
  every: field(z.int().min(1), 10, 'training steps between looks at a trial'),
  warmupSteps: field(z.int().min(0), 20, 'steps before which no trial is stopped'),
  startupTrials: field(z.int().min(0), 4, 'median: trials that must have finished first'),
  reductionFactor: field(z.int().min(2), 3, 'asha, hyperband: one trial in so many goes on at each rung'),
});

export const searchSection = z.strictObject({
  parameters: z
    .record(z.string(), searched)
    .describe('by path of the setting: `low`, `high`, `log` and `step`, or `choices`'),
  per: field(
    z.enum(['cell', 'matrix']),
    'cell',
    'cell: one study per cell of the matrix; matrix: one study that also chooses the cell',
  ),
  trials: field(z.int().min(1).max(10_000), 20, 'suggestions per study'),
  parallel: field(z.int().min(1).max(1000), 2, 'suggestions of a study that are tried at once'),
  sampler: field(z.enum(SAMPLERS), 'tpe', 'how values are chosen'),
  seed: field(
    z
      .int()
      .min(0)
      .max(2 ** 32 - 1),
    0,
    'seed of the sampler; trials have the first seed of their cell',
  ),
  objectives: field(
    z.array(z.enum(SEARCH_OBJECTIVES)).min(1).nullable(),
    null,
    'what is searched for; null: `objective.metric`; several: trade-offs between them',
  ),
  pruner: field(pruner.nullable(), null, 'stops trials that lag behind others; null: every trial runs to its end'),
});
/** `objectives` is null only until the document is read as a whole. */
export type SearchSection = z.infer<typeof searchSection>;

/** What can be read of a section that has mistakes: fields with one have their defaults, parameters with one are left out. */
export function readableSearch(given: Readonly<Record<string, unknown>>): SearchSection {
  const parameters = typeof given.parameters === 'object' && given.parameters !== null ? given.parameters : {};
  const read = Object.entries(parameters).flatMap(([path, input]) => {
    const { data, success } = searched.safeParse(input);
    return success ? [[path, data] as const] : [];
  });
  const { parameters: _, ...others } = searchSection.shape;
  const fields = Object.entries(others).map(([name, schema]) => {
    const { data, success } = schema.safeParse(given[name]);
    return [name, success ? data : schema.parse(undefined)] as const;
  });
  return { ...Object.fromEntries(fields), parameters: Object.fromEntries(read) } as SearchSection;
}

export const DIRECTIONS: Readonly<Record<SearchObjective, 'minimize' | 'maximize'>> = {
  loss: 'minimize',
  perplexity: 'minimize',
  accuracy: 'maximize',
  tokensPerSecond: 'maximize',
  peakMemory: 'minimize',
  energy: 'minimize',
  cost: 'minimize',
};

export function isSettingPath(path: string): path is SettingPath {
  return (SETTING_PATHS as readonly string[]).includes(path);
}

/** Whether a setting is a number, and a whole one; null where it is neither. */
export function numberKind(path: SettingPath): 'float' | 'int' | null {
  let schema: z.ZodType = axisSchemas[path];
  while (schema instanceof z.ZodNullable) schema = schema.unwrap() as z.ZodType;
  if (!(schema instanceof z.ZodNumber)) return null;
  return schema.isInt ? 'int' : 'float';
}

/** What the tuner is asked for. */
export function rangeOf(path: SettingPath, searched: Searched): SearchRange {
  if ('choices' in searched) return { kind: 'categorical', choices: searched.choices };
  const { low, high, log, step } = searched;
  return numberKind(path) === 'int'
    ? { kind: 'int', low, high, log, step: step ?? 1 }
    : { kind: 'float', low, high, log, step };
}

/** How many different values there are; infinite where any number between two others is one. */
export function countValues(range: SearchRange): number {
  if (range.kind === 'categorical') return range.choices.length;
  if (range.low === range.high) return 1;
  if (range.step === null) return Number.POSITIVE_INFINITY;
  return Math.floor((range.high - range.low) / range.step + 1e-9) + 1;
}

/** The values of a setting that tell how far a search may take it: its choices, or its bounds. */
export function extremes(searched: Searched): readonly (string | number | boolean)[] {
  return 'choices' in searched ? searched.choices : [searched.low, searched.high];
}
