/** *Inference*: generation with the adapter apart, and what merging it changes. */
import { fixed } from '../format.ts';
import type { InferenceRow } from '../types.ts';
import { GIB, MILLISECONDS, measured, number, RATIO, SPEED, text } from './column.ts';
import { defineTable } from './table.ts';

const TOKENS = { unit: 'tokens', show: fixed(0) } as const;

export const INFERENCE = defineTable<InferenceRow>({
  id: 'inference',
  title: 'Inference',
  intro:
    'Greedy generation in transformers with the adapter apart from the weights, and ratios of the merged model to it.',
  legend: 'greedy generation with the adapter apart from the weights; × of the merged model to it',
  rows: ({ inference }) => inference ?? [],
  key: ({ cellId, batchSize }) => `${cellId}/${batchSize}`,
  columns: [
    text('label', 'cell', (row) => row.label),
    number('batchSize', 'batch', (row) => row.batchSize, { show: fixed(0) }),
    number('promptTokens', 'prompt', (row) => row.promptTokens, TOKENS),
    number('newTokens', 'generated', (row) => row.newTokens, TOKENS),
    number('firstTokenP50', 'first token, median', (row) => row.firstTokenSeconds.p50, MILLISECONDS),
    number('firstTokenP95', 'first token, 95th percentile', (row) => row.firstTokenSeconds.p95, MILLISECONDS),
    measured('prefillTokensPerSecond', 'prefill', (row) => row.prefillTokensPerSecond, SPEED),
    measured('decodeTokensPerSecond', 'decode', (row) => row.decodeTokensPerSecond, SPEED),
    measured('mergedDecodeTokensPerSecond', 'decode, merged', (row) => row.mergedDecodeTokensPerSecond, SPEED),
    measured('mergedSpeedup', 'decode, merged over apart', (row) => row.mergedSpeedup, { ...RATIO, better: 'higher' }),
    measured('mergedFirstTokenRatio', 'first token, merged over apart', (row) => row.mergedFirstTokenRatio, {
      ...RATIO,
      better: 'lower',
    }),
    measured('peakMemoryBytes', 'peak while generating', (row) => row.peakMemoryBytes, GIB),
  ],
});
