/** What the API says of an experiment's search. GET /v1/experiments/:id/search */
import { z } from 'zod';
import { PRUNERS, SAMPLERS, searchRange } from './search.ts';

export const SUGGESTION_STATES = ['waiting', 'running', 'complete', 'pruned', 'failed'] as const;

const scalar = z.union([z.string(), z.number(), z.boolean()]);

export const suggestionView = z.object({
  studyKey: z.string(),
  number: z.number().int().describe('from 0 on, in the order in which they were suggested'),
  parameters: z.record(z.string(), scalar).describe('by path of the setting; `cell`: the cell that was chosen'),
  trialId: z.string().nullable().describe('null where no trial can have these parameters'),
  state: z.enum(SUGGESTION_STATES),
  values: z.array(z.number()).nullable().describe('one for each objective; null unless complete'),
  message: z.string().nullable().describe('why it was pruned or failed'),
});
export type SuggestionView = z.infer<typeof suggestionView>;

export const studyView = z.object({
  key: z.string(),
  label: z.string(),
  state: z.enum(['open', 'closed', 'cancelled', 'failed']),
  message: z.string().nullable().describe('why it failed'),
  sampler: z.enum(SAMPLERS),
  pruner: z.enum(PRUNERS).nullable(),
  objectives: z.array(z.string()),
  directions: z.array(z.enum(['minimize', 'maximize'])),
  parameters: z.record(z.string(), searchRange),
  trials: z.number().int().describe('suggestions that are wanted'),
  counts: z.partialRecord(z.enum(SUGGESTION_STATES), z.number().int()).describe('suggestions by state'),
  best: z
    .array(suggestionView)
    .describe('the best so far; with several objectives those that no other one is better than in all'),
});
export type StudyView = z.infer<typeof studyView>;

export const searchView = z.object({
  studies: z.array(studyView).describe('empty where the experiment has no search'),
  suggestions: z.object({ items: z.array(suggestionView), nextCursor: z.string().nullable() }),
});
export type SearchView = z.infer<typeof searchView>;

export const searchQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().optional(),
  study: z.string().max(200).optional().describe('key of a study: only its suggestions'),
});
