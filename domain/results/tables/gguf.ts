/** *GGUF*: files of the trained model in llama.cpp. */
import { fixed, percent, signed } from '../format.ts';
import type { GgufRow } from '../types.ts';
import { GIB, measured, number, SPEED, text } from './column.ts';
import { defineTable } from './table.ts';

export const GGUF = defineTable<GgufRow>({
  id: 'gguf',
  title: 'GGUF',
  intro:
    'Files of the trained model in llama.cpp. Δ and divergence (nats per token) are against the f16 file; sd over repetitions, se over scored tokens.',
  legend: 'files of the trained model in llama.cpp; Δ and divergence against f16; sd over repetitions, se over tokens',
  rows: ({ gguf }) => gguf ?? [],
  key: ({ cellId, type }) => `${cellId}/${type}`,
  columns: [
    text('label', 'cell', (row) => row.label),
    text('type', 'quant', (row) => row.type),
    number('bitsPerWeight', 'bits per weight', (row) => row.bitsPerWeight, { show: fixed(2), better: 'lower' }),
    number('fileBytes', 'size', (row) => row.fileBytes, GIB),
    measured('promptTokensPerSecond', 'prompt', (row) => row.promptTokensPerSecond, SPEED),
    number('promptDeviation', 'prompt, sd', (row) => row.promptDeviation, { unit: 'tokens/s' }),
    measured('generatedTokensPerSecond', 'generation', (row) => row.generatedTokensPerSecond, SPEED),
    number('generatedDeviation', 'generation, sd', (row) => row.generatedDeviation, { unit: 'tokens/s' }),
    measured('perplexity', 'perplexity', (row) => row.perplexity, { show: fixed(3), better: 'lower', tint: 'log' }),
    number('perplexityStandardError', 'perplexity, se', (row) => row.perplexityStandardError, { show: fixed(3) }),
    measured('perplexityDelta', 'Δ perplexity', (row) => row.perplexityDelta, {
      show: signed(fixed(3)),
      better: 'lower',
    }),
    number('perplexityDeltaStandardError', 'Δ perplexity, se', (row) => row.perplexityDeltaStandardError, {
      show: fixed(3),
    }),
    measured('divergence', 'KL divergence', (row) => row.divergence, { show: fixed(5), better: 'lower' }),
    measured('sameTop', 'same top token', (row) => row.sameTop, { unit: '%', show: percent, better: 'higher' }),
    text('missing', 'missing', (row) => row.missing),
  ],
});
