import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PreviewView } from '@lamina/domain/contract/api.ts';
import type { EstimateView } from '@lamina/domain/contract/estimate.ts';
import { estimateDocument, parseEstimateDocument } from '@lamina/domain/matrix/estimate.ts';
import { DEFAULT_MARGINS } from '@lamina/domain/memory/spread.ts';
import { shapeOf } from '@lamina/domain/memory/testing/configs.ts';
import { estimateText } from '../commands/estimate.ts';
import { previewText } from '../commands/preview.ts';
import { testIo } from '../testing/io.ts';
import { planText } from './plan.ts';

const PLAN = { gpuClass: 'A100', gpus: 1, microBatch: 2, accumulation: 8, checkpointing: false };

test('a plan in a few words', () => {
  assert.equal(planText(PLAN), 'A100: micro-batch 2 × 8');
  assert.equal(planText({ ...PLAN, gpus: 2, checkpointing: true }), '2 × A100: micro-batch 2 × 8, checkpointing');
  assert.equal(planText({ ...PLAN, gpuClass: null }), 'any GPU: micro-batch 2 × 8');
  assert.equal(planText({ ...PLAN, gpuClass: null, gpus: 0 }), 'CPU: micro-batch 2 × 8');
});

test('an estimate says of each class how many trials its margins come from, and nothing where they are assumed', () => {
  const parsed = parseEstimateDocument({ model: { source: 'config', path: './config.json' } });
  assert.ok(parsed.ok);
  const text = (trials: number) => {
    const view: EstimateView = estimateDocument(parsed.document, {
      shapeOf: () => ({ shape: shapeOf('llama-3-8b'), trainer: 'lamina' }),
      marginsOf: () => ({ margins: DEFAULT_MARGINS, trials }),
    });
    return estimateText(view, testIo({}), false);
  };
  assert.match(text(3), /RTX 4090 \(23\.5 GiB\): margins from 3 trials on this class/);
  assert.doesNotMatch(text(0), /margins/);
});

test('a preview says what each cell runs on, where that was chosen', () => {
  const plan = { ...PLAN, memoryBytes: null, excludedNodes: [] };
  const preview = (gpuClass: string | null): PreviewView => ({
    name: 'fit',
    cells: [
      {
        id: 'cell',
        label: 'all layers',
        model: { source: 'hf', id: 'a/b', revision: 'main' },
        layers: { strategy: 'all' },
        precision: 'bf16',
        method: 'lora',
        parameters: {},
        seeds: [1],
        reused: 0,
        plan: { ...plan, gpuClass },
        memory: null,
        duration: null,
      },
    ],
    dropped: [],
    suggestions: 0,
    trials: 1,
    reused: 0,
    baselineCellId: null,
    forecast: null,
    warnings: [],
  });
  assert.match(previewText(preview('A100'), testIo({})), /runs on[^]*A100: micro-batch 2 × 8/);
  assert.doesNotMatch(previewText(preview(null), testIo({})), /runs on/);
});
