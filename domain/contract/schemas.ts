/** JSON Schema (draft 2020-12) of what scheduler and trainer exchange, for the Python side. */
import { z } from 'zod';
import { generateRequest, generationResult } from './generation.ts';
import { trialResult } from './result.ts';
import { advanceStudyInput, advanceStudyOutput } from './search.ts';
import { eventBatch, eventReceipt, trialExit, trialRequest } from './trial.ts';

/** Contracts by the name of their schema and of the example documents that belong to them. */
export const CONTRACTS = {
  'trial-request': trialRequest,
  'generate-request': generateRequest,
  'generation-result': generationResult,
  'event-batch': eventBatch,
  'event-receipt': eventReceipt,
  'trial-result': trialResult,
  'trial-exit': trialExit,
  'advance-study-input': advanceStudyInput,
  'advance-study-output': advanceStudyOutput,
} as const;
export type ContractName = keyof typeof CONTRACTS;

/** What people write as well: there the trainer knows the defaults. */
const WRITTEN: readonly string[] = ['generate-request'];

/** File contents by file name. Schemas describe documents with every default filled in, but for those people write. */
export function generatedContracts(): Readonly<Record<string, unknown>> {
  const schemas = Object.entries(CONTRACTS).map(([name, schema]) => [
    `${name}.schema.json`,
    {
      title: name,
      ...z.toJSONSchema(schema, { target: 'draft-2020-12', io: WRITTEN.includes(name) ? 'input' : 'output' }),
    },
  ]);
  return Object.fromEntries(schemas);
}
