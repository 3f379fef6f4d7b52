import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GgufResult } from '../contract/result.ts';
import { compareTrials } from './compare.ts';
import type { ComparedTrial } from './input.ts';
import { toMarkdown } from './render-markdown.ts';
import { GGUF_FILE as FILE, inputOf, trialOf } from './testing/trials.ts';

const Q4: Partial<GgufResult> = { type: 'q4_0', fileBytes: 2 ** 28, bitsPerWeight: 4.5, divergence: 0.05 };

function withFiles(trial: ComparedTrial, gguf: readonly Partial<GgufResult>[]): ComparedTrial {
  assert.ok(trial.result);
  return { ...trial, result: { ...trial.result, gguf: gguf.map((file) => ({ ...FILE, ...file })) } };
}

test('one row per cell and type, widest first, means over seeds', () => {
  const { gguf } = compareTrials(
    inputOf([
      withFiles(trialOf({ seed: 1 }), [{ ...Q4, perplexityDelta: 1 }, {}]),
      withFiles(trialOf({ seed: 2 }), [{ promptTokensPerSecond: [330] }, { ...Q4, perplexityDelta: 2 }]),
      trialOf({ seed: 1, precision: 'nf4' }),
    ]),
  );
  assert.deepEqual(
    gguf.map(({ label, type }) => [label, type]),
    [
      ['all layers · bf16 · lora', 'f16'],
      ['all layers · bf16 · lora', 'q4_0'],
    ],
  );
  const [f16, q4] = gguf;
  assert.equal(f16?.promptTokensPerSecond.mean, 320);
  assert.equal(f16?.promptTokensPerSecond.n, 2);
  assert.equal(f16?.promptDeviation, 10);
  assert.equal(f16?.generatedDeviation, Math.SQRT2);
  assert.equal(q4?.perplexityDelta.mean, 1.5);
  assert.equal(q4?.fileBytes, 2 ** 28);
});

test('what was not measured is null, and says why', () => {
  const nothing = {
    missing: 'not built',
    fileBytes: null,
    bitsPerWeight: null,
    promptTokensPerSecond: [],
    generatedTokensPerSecond: [],
    perplexity: null,
    divergence: null,
  };
  const [row] = compareTrials(inputOf([withFiles(trialOf(), [nothing])])).gguf;
  assert.equal(row?.missing, 'not built');
  assert.equal(row?.fileBytes, null);
  assert.equal(row?.promptTokensPerSecond.mean, null);
  assert.equal(row?.promptDeviation, null);
  assert.equal(row?.perplexity.n, 0);
});

test('the report has the table where files were asked for, and only there', () => {
  const report = toMarkdown(compareTrials(inputOf([withFiles(trialOf(), [{}, { ...Q4, perplexityDelta: 1.5 }])])));
  const lines = report.slice(report.indexOf('## GGUF')).split('\n');
  const header = lines.find((line) => line.startsWith('| quant'));
  assert.ok(header?.includes('bits per weight'), report);
  assert.ok(
    lines.some((line) => line.startsWith('| q4\\_0 | 4.50 | 0.25 |')),
    report,
  );
  assert.ok(!toMarkdown(compareTrials(inputOf([trialOf()]))).includes('GGUF'));
});
