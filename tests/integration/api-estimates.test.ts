import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { experimentDetail, previewView, problem } from '@lamina/domain/contract/api.ts';
import { estimateView } from '@lamina/domain/contract/estimate.ts';
import type { TrialResult } from '@lamina/domain/contract/result.ts';
import type { ComparisonRow } from '@lamina/domain/results/types.ts';
import { writeModel } from '@lamina/platform/application/submission/testing/model-folder.ts';
import { smallDocument, testApi } from '../support/api.ts';
import { resultOf } from '../support/planned.ts';

const CONFIG = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 256,
  num_hidden_layers: 8,
  num_attention_heads: 4,
  vocab_size: 512,
};

let api: Awaited<ReturnType<typeof testApi>>;
before(async () => {
  api = await testApi();
  await writeModel(join(api.folder, 'llama'), CONFIG);
});
after(() => api.close());

async function post(url: string, document: unknown) {
  return api.app.inject({ method: 'POST', url, payload: { document } });
}

test('a config.json is estimated, and nothing is stored', async () => {
  const response = await post('/v1/estimates', {
    model: { source: 'config', path: './llama/config.json' },
    matrix: { layers: [4, 'all'], precision: ['bf16'], method: ['full'] },
  });
  assert.equal(response.statusCode, 200, response.body);
  const { cells } = estimateView.parse(response.json());
  assert.deepEqual(
    cells.map(({ memory }) => memory?.assumptions.logits),
    ['full', 'full'],
  );
  const [half, whole] = cells.map(({ memory }) => memory?.parameters ?? 0);
  assert.equal((whole ?? 0) - (half ?? 0), 4 * (4 * 64 * 64 + 3 * 64 * 256 + 2 * 64));
  assert.equal((await api.store.listExperiments({ limit: 10, cursor: null })).items.length, 0);
});

test('mistakes are named at once; submitting a config is one', async () => {
  const model = { source: 'config', path: './llama/config.json' };
  const wrong = await post('/v1/estimates', { model, training: { steps: 0 }, estimate: { logits: 'half' } });
  assert.equal(wrong.statusCode, 422);
  assert.equal(problem.parse(wrong.json()).errors?.length, 2);
  const submitted = await post('/v1/experiments', { ...smallDocument(), model });
  assert.equal(submitted.statusCode, 422);
  assert.match(problem.parse(submitted.json()).errors?.[0]?.message ?? '', /for lamina estimate alone/);
});

test('a preview says what its cells need where the configuration is known', async () => {
  const memoryOf = async (path: string) => {
    const response = await post('/v1/experiments/preview', { ...smallDocument(), model: path });
    return previewView.parse(response.json()).cells.map(({ memory }) => memory?.assumptions.trainer ?? null);
  };
  assert.deepEqual(await memoryOf('./llama'), ['lamina', 'lamina']);
  assert.deepEqual(await memoryOf('./model'), [null, null]);
});

test('an estimate stands next to what a GPU measured', async () => {
  const submitted = await post('/v1/experiments', { ...smallDocument([71]), model: './llama' });
  const { id } = experimentDetail.parse(submitted.json());
  const [claimed] = await api.store.claimTrials(id, 1, 1);
  assert.ok(claimed);
  const [record] = await api.store.getTrials(id, [claimed.trialId]);
  assert.ok(record);
  const onCpu = resultOf(record.trial, 'attempt-1');
  const result: TrialResult = {
    ...onCpu,
    environment: { ...onCpu.environment, device: 'NVIDIA H100', deviceKind: 'cuda' },
    memory: { ...onCpu.memory, peakReservedBytes: 50_000_000 },
  };
  await api.store.recordOutcomes(id, [{ trialId: claimed.trialId, state: 'succeeded', message: null, result }]);
  const comparison = await api.app.inject({ url: `/v1/experiments/${id}/comparison.json` });
  const rows: ComparisonRow[] = comparison.json().rows;
  const measured = rows.find(({ cellId }) => cellId === record.trial.cell.id);
  const preview = await post('/v1/experiments/preview', { ...smallDocument([71]), model: './llama' });
  const cell = previewView.parse(preview.json()).cells.find((found) => found.id === record.trial.cell.id);
  assert.ok((measured?.estimatedBytes ?? 0) > 0);
  assert.equal(measured?.estimatedBytes, cell?.memory?.peak.reservedBytes);
  assert.equal(rows.find(({ cellId }) => cellId !== record.trial.cell.id)?.estimatedBytes, null);
});

test('on a CPU no GPU memory is promised', async () => {
  const cpu = await testApi({ device: { kind: 'cpu', name: 'a CPU', computeCapability: null, fast16Bit: false } });
  try {
    await writeModel(join(cpu.folder, 'model'), CONFIG);
    const document = { ...smallDocument(), resources: { gpus: 0 } };
    const response = await cpu.app.inject({ method: 'POST', url: '/v1/experiments/preview', payload: { document } });
    assert.deepEqual(
      previewView.parse(response.json()).cells.map(({ memory }) => memory),
      [null, null],
    );
  } finally {
    await cpu.close();
  }
});
