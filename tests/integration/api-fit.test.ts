/** GPUs chosen at submission, over HTTP: what fits where, what fits nowhere, and what earlier trials taught. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { experimentDetail, previewView, problem } from '@lamina/domain/contract/api.ts';
import { estimateView } from '@lamina/domain/contract/estimate.ts';
import type { TrialResult } from '@lamina/domain/contract/result.ts';
import { gpuClassOf, inventoryOf } from '@lamina/domain/contract/testing/gpus.ts';
import type { ComparisonRow } from '@lamina/domain/results/types.ts';
import { writeModel } from '@lamina/platform/application/submission/testing/model-folder.ts';
import { testApi } from '../support/api.ts';
import { resultOf } from '../support/planned.ts';

/** Llama 3 8B's. */
const CONFIG = {
  model_type: 'llama',
  hidden_size: 4096,
  intermediate_size: 14_336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 128_256,
};
const INVENTORY = inventoryOf(gpuClassOf('A100-40', 39.4), gpuClassOf('T4', 14.6, { computeCapability: '7.5' }));

let api: Awaited<ReturnType<typeof testApi>>;
before(async () => {
  api = await testApi();
  await writeModel(join(api.folder, 'llama'), CONFIG);
  await api.store.putGpuInventory(INVENTORY);
});
after(() => api.close());

function document(changes: object = {}) {
  return {
    apiVersion: 'lamina/v1',
    name: 'fit',
    model: './llama',
    dataset: 'notes.jsonl',
    matrix: { precision: ['bf16', 'nf4'], method: ['full', 'lora', 'qlora'], seed: [1] },
    training: { maxLength: 512, microBatch: 4, optimizer: 'adamw-8bit' },
    quantization: { computeDtype: 'fp16' },
    ...changes,
  };
}

async function post(path: string, body: object) {
  return api.app.inject({ method: 'POST', url: `/v1/${path}`, payload: { document: body } });
}

async function preview(changes: object = {}) {
  const response = await post('experiments/preview', document(changes));
  assert.equal(response.statusCode, 200, response.body);
  return previewView.parse(response.json());
}

test('each cell is planned for the smallest class that it fits, and one that fits none is left out', async () => {
  const { cells, dropped } = await preview();
  assert.deepEqual(
    cells.map(({ method, plan }) => [method, plan.gpuClass]),
    [
      ['lora', 'A100-40'],
      ['qlora', 'T4'],
    ],
  );
  const misfit = dropped.find(({ reason }) => reason === 'does-not-fit');
  assert.match(misfit?.message ?? '', /^needs at least .* the largest class, A100-40, has 39\.4 GiB$/);
});

test('a class that nobody has is a mistake among the others', async () => {
  const response = await post(
    'experiments',
    document({ resources: { gpuClass: 'A100-80' }, dataset: 'missing.jsonl' }),
  );
  assert.equal(response.statusCode, 422);
  const issues = problem.parse(response.json()).errors ?? [];
  assert.deepEqual(issues.map(({ path }) => path).toSorted(), ['dataset.path', 'resources.gpuClass']);
  assert.match(issues.find(({ path }) => path === 'resources.gpuClass')?.message ?? '', /there are A100-40, T4/);
});

test('what was submitted moves up through the classes there are', async () => {
  const { id } = experimentDetail.parse((await post('experiments', document())).json());
  const experiment = await api.store.getExperiment(id);
  assert.deepEqual(experiment?.policy.gpuClasses, ['T4', 'A100-40']);
  const [first] = await api.store.claimTrials(id, 1, 1);
  assert.equal(first?.plan.gpuClass, 'A100-40');
});

test('what worked after memory ran out, and how much was measured, is where the next experiment begins', async () => {
  const lora = { matrix: { precision: ['bf16'], method: ['lora'], seed: [7] } };
  const submitted = await post('experiments', document(lora));
  const { id } = experimentDetail.parse(submitted.json());
  const [claimed] = await api.store.claimTrials(id, 1, 1);
  assert.ok(claimed);
  const { trialId, plan } = claimed;
  const { id: at, microBatch } = { id, microBatch: plan.microBatch };
  assert.ok(microBatch > 1);
  const attempt = async (number: number, changes: object) => {
    const attemptId = `${at}-${number}`;
    await api.store.startAttempts([
      { attemptId, experimentId: at, trialId, attempt: number, plan: { ...plan, ...changes } },
    ]);
    return attemptId;
  };
  const end = { message: '', exitCode: 0, node: null, endedAt: new Date().toISOString() };
  const failed = await attempt(1, {});
  await api.store.endAttempts([{ attemptId: failed, end: { ...end, outcome: 'gpu-out-of-memory' } }]);
  const smaller = { microBatch: 1, accumulation: plan.microBatch * plan.accumulation };
  const worked = await attempt(2, smaller);
  const [record] = await api.store.getTrials(id, [trialId]);
  assert.ok(record);
  const before = (await preview(lora)).cells[0];
  const onCpu = resultOf(record.trial, worked);
  const terms = before?.memory?.terms.filter(({ level }) => level === 'allocated') ?? [];
  const allocated = terms.reduce((sum, { bytes }) => sum + bytes, 0);
  const result: TrialResult = {
    ...onCpu,
    environment: { ...onCpu.environment, device: 'A100 40', deviceKind: 'cuda' },
    memory: {
      peakAllocatedBytes: allocated,
      peakReservedBytes: allocated,
      peakProcessBytes: allocated,
      peakRssBytes: onCpu.memory.peakRssBytes,
    },
  };
  await api.store.endAttempts([{ attemptId: worked, end: { ...end, outcome: 'succeeded' } }]);
  await api.store.recordOutcomes(id, [{ trialId, state: 'succeeded', message: null, result }]);

  const { cells } = await preview({ matrix: { ...lora.matrix, seed: [8] } });
  assert.deepEqual([cells[0]?.plan.microBatch, cells[0]?.plan.accumulation], [1, 4]);
  const estimated = estimateView.parse((await post('estimates', document(lora))).json()).cells[0]?.memory?.plan;
  assert.equal(estimated?.gpuClass, 'A100-40');

  // The row is compared with an estimate of what ran, not of what was first planned.
  const rows: ComparisonRow[] = (await api.app.inject({ url: `/v1/experiments/${id}/comparison.json` })).json().rows;
  assert.ok((rows[0]?.estimatedBytes ?? 0) > 0);
  assert.ok((rows[0]?.estimatedBytes ?? 0) < (before?.memory?.peak.reservedBytes ?? 0));
});

test('margins of a class say how many trials they come from', async () => {
  const fresh = await testApi({ store: api.store });
  try {
    const payload = { document: document({ model: join(api.folder, 'llama') }) };
    const response = await fresh.app.inject({ method: 'POST', url: '/v1/estimates', payload });
    const { cells } = estimateView.parse(response.json());
    assert.deepEqual(
      cells.flatMap(({ method, memory }) => (memory?.plan ? [[method, memory.plan.marginsFrom]] : [])),
      [
        ['lora', 1],
        ['qlora', 0],
      ],
    );
  } finally {
    await fresh.app.close();
  }
});
