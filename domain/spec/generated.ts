/** `dataset.source: generated`: data that a model writes before the trials run. */
import { z } from 'zod';
import { type GenerationSpec, generationSpec } from '../contract/generation.ts';
import { type DatasetRef, fileDataset } from '../contract/settings.ts';
import { canonical } from '../vocabulary/canonical.ts';
import { sha256 } from '../vocabulary/sha256.ts';

export const generatedDataset = z.strictObject({ source: z.literal('generated'), ...generationSpec.shape });
export type GeneratedDataset = z.infer<typeof generatedDataset>;

/** A document's dataset: one that is there, or one that is to be generated. */
export type DocumentDataset = DatasetRef | GeneratedDataset;

export function specOf({ source: _, ...spec }: GeneratedDataset): GenerationSpec {
  return spec;
}

/** 64 hex digits over what the data and their report follow from: files by content, without keys or limits of speed. */
export function generationHash(spec: GenerationSpec): string {
  const { limits: _, endpoint, prompts, contamination, ...rest } = spec;
  const { apiKeyVariable: _variable, apiKeySecret: _secret, contextTokens, gguf, ...asked } = endpoint;
  const server =
    gguf === null ? asked : { ...asked, contextTokens, ...(asked.ggufFingerprint === null ? { gguf } : {}) };
  return sha256(
    canonical({
      ...rest,
      endpoint: server,
      prompts: prompts.source === 'file' ? byContent(prompts) : prompts,
      contamination: { ...contamination, files: contamination.files.map(byContent) },
    }),
  );
}

function byContent<F extends { readonly path: string; readonly fingerprint: string | null }>(file: F) {
  const { path: _, ...rest } = file;
  return file.fingerprint === null ? file : rest;
}

/** What a matrix is expanded with before the data exist: its trials cannot be run, and have ids of their own. */
export function trialDataset(dataset: DocumentDataset): DatasetRef {
  if (dataset.source !== 'generated') return dataset;
  const spec = specOf(dataset);
  return fileDataset.parse({
    source: 'file',
    path: 'to be generated',
    format: 'jsonl',
    fields: spec.fields,
    onBadRecord: 'fail',
    evaluation: null,
    fingerprint: generationHash(spec),
  });
}

/** The records of `prompts.path`; of topics nothing has to be known. */
export interface PromptFile {
  readonly records: number;
  readonly bytes: number;
}

export interface GenerationBound {
  /** Without tries that are repeated. */
  readonly requests: number;
  /** In the prices' currency; null where a price is missing. */
  readonly cost: number | null;
}

/**
 * At most so many requests, and at most such a cost: a token is at least one byte of text, and an answer has at most
 * `sampling.maxTokens`. Tries that are repeated after a failure may cost more.
 *
 * @param file null for topics
 */
export function generationBound(spec: GenerationSpec, file: PromptFile | null): GenerationBound {
  const { prompts, samples, sampling, prices } = spec;
  const { records, promptBytes } =
    prompts.source === 'topics' ? topicBytes(prompts) : fileBytes(prompts.template, file ?? { records: 0, bytes: 0 });
  const requests = records * samples;
  const { inputPerMillion, outputPerMillion } = prices;
  if (inputPerMillion === null || outputPerMillion === null) return { requests, cost: null };
  const input = promptBytes * samples + requests * (size(spec.system ?? '') + TEMPLATE_TOKENS);
  return { requests, cost: (input * inputPerMillion + requests * sampling.maxTokens * outputPerMillion) / 1e6 };
}

/** Roles and separators that a chat template puts around a system and a user message, generously. */
const TEMPLATE_TOKENS = 64;

function topicBytes({ topics, templates }: { topics: readonly string[]; templates: readonly string[] }) {
  const distinct = new Set(
    templates.flatMap((template) => topics.map((topic) => template.replaceAll('{topic}', () => topic))),
  );
  return { records: distinct.size, promptBytes: [...distinct].reduce((sum, prompt) => sum + size(prompt), 0) };
}

function fileBytes(template: string, { records, bytes }: PromptFile) {
  const fields = template.match(/\{[^{}]+\}/g)?.length ?? 1;
  return { records, promptBytes: bytes * fields + records * size(template) };
}

function size(text: string): number {
  return new TextEncoder().encode(text).length;
}
