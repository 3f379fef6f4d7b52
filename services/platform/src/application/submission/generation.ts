/** The generation of a dataset, as an experiment stores it. */
import type { GenerationSpec } from '@lamina/domain/contract/generation.ts';
import { PLAIN_PLAN, type Plan } from '@lamina/domain/contract/trial.ts';
import {
  type GeneratedDataset,
  type GenerationBound,
  generationBound,
  generationHash,
  type PromptFile,
  specOf,
} from '@lamina/domain/spec/generated.ts';
import type { PreparationRecord, PreparedDataset } from '../ports/preparation-store.ts';
import type { Fingerprints } from './fingerprints.ts';

/** Host memory of a generation that asks a server: spec, answers and their shingles. */
const MEMORY_BYTES = 2 * 2 ** 30;

export interface PlannedGeneration {
  readonly spec: GenerationSpec;
  readonly specHash: string;
  readonly plan: Plan;
  readonly bound: GenerationBound;
  /** The same data, generated before, and by which experiment; null: they are to be generated. */
  readonly done: (PreparedDataset & { readonly experimentId: string }) | null;
}

export interface GenerationOptions {
  readonly fingerprints: Fingerprints;
  preparedBefore(specHash: string): Promise<PreparationRecord | null>;
}

export async function planGeneration(
  dataset: GeneratedDataset,
  promptFile: PromptFile | null,
  options: GenerationOptions,
): Promise<PlannedGeneration> {
  const spec = specOf(dataset);
  const specHash = generationHash(spec);
  return {
    spec,
    specHash,
    plan: {
      ...PLAIN_PLAN,
      // A model that is served takes as much as its file, and what it reads at once.
      memoryBytes: spec.endpoint.gguf === null ? MEMORY_BYTES : null,
    },
    bound: generationBound(spec, promptFile),
    done: await stillThere(await options.preparedBefore(specHash), options.fingerprints),
  };
}

/** Data that were generated before are used where the file is what it was. */
async function stillThere(
  before: PreparationRecord | null,
  fingerprints: Fingerprints,
): Promise<PlannedGeneration['done']> {
  if (before === null || before.prepared === null) return null;
  const { dataset } = before.prepared;
  const found = await fingerprints.file(dataset.path).catch(() => null);
  if (found === null || found !== dataset.fingerprint) return null;
  return { ...before.prepared, experimentId: before.reusedFrom ?? before.experimentId };
}

export function generationSentence({ spec, bound, done }: PlannedGeneration): string {
  const model = spec.endpoint.model ?? spec.endpoint.gguf;
  if (done !== null)
    return `the dataset was generated before, by experiment ${done.experimentId}: its ${done.report.counts.records} records are used, and nothing is asked or paid`;
  const requests = bound.requests === 1 ? 'one request' : `${bound.requests} requests`;
  const cost = bound.cost === null ? 'no prices are given' : `a cost of at most ${bound.cost.toPrecision(3)}`;
  return `the dataset will be generated first, by ${model}: at most ${requests} besides repeated tries, ${cost}`;
}
