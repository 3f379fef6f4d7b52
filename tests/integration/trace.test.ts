/** The trainer's tracer: it agrees with the formulas, answers for models that have none, and its end is survived. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { estimateView } from '@lamina/domain/contract/estimate.ts';
import { estimateMemory } from '@lamina/domain/memory/estimate.ts';
import type { MemorySettings } from '@lamina/domain/memory/settings.ts';
import { median } from '@lamina/domain/memory/statistics.ts';
import { CONFIGS, shapeOf } from '@lamina/domain/memory/testing/configs.ts';
import { LORA, settingsOf } from '@lamina/domain/memory/testing/settings.ts';
import { estimateTraced, traceKey, traceRun } from '@lamina/domain/memory/traced.ts';
import { createTraceProcess } from '@lamina/platform/adapters/trace-process.ts';
import type { Tracer } from '@lamina/platform/application/ports/tracer.ts';
import { createLogger } from '@lamina/platform/process/logging.ts';
import { testApi } from '../support/api.ts';
import { trainerEnvironment, trainerPython } from '../support/trainer.ts';

const WITHIN_MS = 170_000;
const log = createLogger({ name: 'test', level: 'silent' });

let folder: string;
let tracer: Tracer;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-trace-'));
  tracer = tracerWith(trainerPython());
});
after(async () => {
  await tracer.close();
  await rm(folder, { recursive: true });
});

function tracerWith(python: string): Tracer {
  const env = trainerEnvironment();
  return createTraceProcess({ python, env, cache: join(folder, 'traces'), revision: 'r1', log });
}

/** (formulas − traced) / traced. */
async function difference({ name, config }: (typeof CONFIGS)[number], changes: Partial<MemorySettings>) {
  const shape = shapeOf(name);
  const settings = settingsOf({ layers: shape.layers, microBatch: 2, longest: 1024, ...changes });
  const answer = await tracer.trace({ config, run: traceRun(settings), microBatch: 2 }, WITHIN_MS);
  assert.ok(answer !== null && 'profile' in answer, `${name}: ${JSON.stringify(answer)}`);
  const { profile } = answer;
  assert.equal(profile.layers, shape.layers);
  const profiles = new Map([[traceKey(settings), profile]]);
  const traced = estimateTraced({ layers: profile.layers, fused: profile.fused, profiles }, settings);
  assert.ok(traced);
  return estimateMemory(shape, settings).peak.allocatedBytes / traced.allocatedBytes - 1;
}

test('families with formulas are traced to the same peaks: median within 1 %, each within 3 %', async () => {
  const named = (wanted: string) => {
    const found = CONFIGS.find(({ name }) => name === wanted);
    assert.ok(found);
    return found;
  };
  const cases: readonly (readonly [string, Partial<MemorySettings>])[] = [
    ['llama-3-8b', {}],
    ['llama-3.2-3b', { method: 'lora', lora: LORA, checkpointing: true }],
    ['qwen3-4b', { method: 'lora', lora: LORA }],
    ['mistral-7b', { method: 'qlora', lora: LORA, precision: 'nf4' }],
    ['gemma-2b', {}],
    ['phi-2', { logits: 'full' }],
  ];
  const differences: number[] = [];
  for (const [name, changes] of cases) {
    const found = await difference(named(name), changes);
    assert.ok(Math.abs(found) < 0.03, `${name}: ${found}`);
    differences.push(Math.abs(found));
  }
  assert.ok(median(differences) < 0.01, String(differences));
});

test('a model without formulas has an estimate where there is a tracer, and without one the others still have', async () => {
  const santacoder = { model_type: 'gpt_bigcode', n_embd: 2048, n_layer: 24, n_head: 16, vocab_size: 49_280 };
  for (const [name, config] of [
    ['santacoder', santacoder],
    ['llama', CONFIGS.find((each) => each.name === 'llama-3.2-3b')?.config],
    ['bert', { model_type: 'bert', num_hidden_layers: 2 }],
  ] as const) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'config.json'), JSON.stringify(config));
  }
  const models = ['santacoder', 'llama', 'bert'].map((path) => ({ source: 'config', path: join(folder, path) }));
  const ask = async (given: Tracer | null) => {
    const api = await testApi({ tracer: given });
    try {
      const document = { matrix: { model: models }, training: { maxLength: 256 } };
      const response = await api.app.inject({ method: 'POST', url: '/v1/estimates', payload: { document } });
      return estimateView.parse(response.json()).cells;
    } finally {
      await api.close();
    }
  };
  const [traced, formulas, impossible] = await ask(tracer);
  assert.equal(traced?.memory?.parameters, 1_122_789_376);
  assert.ok(traced?.memory?.plan);
  assert.equal(
    traced?.memory?.terms.reduce((sum, { bytes }) => sum + bytes, 0),
    traced?.memory?.peak.processBytes,
  );
  assert.ok(formulas?.memory);
  assert.equal(impossible?.memory, null);
  assert.match(impossible?.message ?? '', /no formulas for models of type 'bert': .*no list of decoder layers/);
  const [without, still] = await ask(null);
  assert.equal(without?.memory, null);
  assert.match(without?.message ?? '', /no formulas for models of type 'gpt_bigcode', and no trainer here/);
  assert.ok(still?.memory);
});

test('what was traced is kept, and an interpreter that is not there blocks nobody', async () => {
  const settings = settingsOf({ layers: 32, microBatch: 2, longest: 1024 });
  const config = CONFIGS.find(({ name }) => name === 'llama-3-8b')?.config;
  assert.ok(config);
  const broken = tracerWith(join(folder, 'no-python'));
  const question = { config, run: traceRun(settings), microBatch: 2 };
  const kept = await broken.trace(question, 5000);
  assert.ok(kept !== null && 'profile' in kept);
  assert.equal(await broken.trace({ ...question, microBatch: 3 }, 5000), null);
  await broken.close();
});
