import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layerBytes } from './activations.ts';
import { CONFIGS, shapeOf } from './testing/configs.ts';
import { settingsOf } from './testing/settings.ts';

/** Left out of the formulas: reciprocal roots of norms and, over as few as 64 tokens, Gemma's 1 + weight. */
const NEGLIGIBLE = 0.005;
/** The CPU's kernel copies the output of heads whose size is no power of two; those of GPUs do not. */
const COPIES_OUTPUT = ['phi-2', 'phi-3-mini'];

test('what a layer keeps is what autograd was seen to save, for every family, trained in full and with LoRA', () => {
  for (const { name, saved } of CONFIGS) {
    const shape = shapeOf(name);
    const common = { longest: 64, attention: shape.family === 'gemma2' ? 'eager' : 'sdpa' } as const;
    const lora = { rank: 8, targets: 'all-linear', dropout: 0, bytes: 4 } as const;
    const copied = COPIES_OUTPUT.includes(name) ? 2 * shape.hidden : 0;
    close(layerBytes(shape, settingsOf(common)) + copied, saved.full, `${name}, full`);
    close(layerBytes(shape, settingsOf({ ...common, method: 'lora', lora })), saved.lora, `${name}, lora`);
  }
});

function close(formula: number, seen: number, what: string): void {
  assert.ok(Math.abs(formula / seen - 1) < NEGLIGIBLE, `${what}: ${formula} against ${seen}`);
}
