import type { TraceProfile, TraceRun } from '@lamina/domain/memory/traced.ts';

export interface TraceQuestion {
  /** A model's config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly run: TraceRun;
  readonly microBatch: number;
}

/** `error`: why transformers cannot build the model, or its step cannot be followed. */
export type TraceAnswer = { readonly profile: TraceProfile } | { readonly error: string };

/** The trainer's tracer: what a model's training step keeps in memory, without a GPU. */
export interface Tracer {
  /** Null where there was no answer within `withinMs`; the answer is kept for the next question all the same. */
  trace(question: TraceQuestion, withinMs: number): Promise<TraceAnswer | null>;
  close(): Promise<void>;
}
