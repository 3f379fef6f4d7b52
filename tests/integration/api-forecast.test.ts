/** Forecasts over HTTP: from nothing, from like trials, with GPUs shared, and next to what happened. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { experimentDetail, experimentView, page, previewView } from '@lamina/domain/contract/api.ts';
import { forecastAccuracyView } from '@lamina/domain/contract/forecast.ts';
import type { GpuInventory } from '@lamina/domain/contract/gpus.ts';
import { smallDocument, testApi } from '../support/api.ts';
import { plansOf, resultOf } from '../support/planned.ts';

let api: Awaited<ReturnType<typeof testApi>>;
before(async () => {
  api = await testApi();
});
after(() => api.close());

let seed = 0;
/** Two cells, `seeds` seeds that no other test has used. */
function document(seeds: number, more: Record<string, unknown> = {}): Record<string, unknown> {
  seed += seeds;
  const fresh = Array.from({ length: seeds }, (_, index) => seed + index);
  return { ...smallDocument(fresh), training: { steps: 10 }, policy: { maxParallel: 2 }, ...more };
}

async function post<T>(schema: { parse(value: unknown): T }, url: string, payload: object): Promise<T> {
  const response = await api.app.inject({ method: 'POST', url: `/v1/${url}`, payload });
  assert.ok(response.statusCode < 300, response.body);
  return schema.parse(response.json());
}

async function get<T>(schema: { parse(value: unknown): T }, url: string): Promise<T> {
  return schema.parse((await api.app.inject({ url: `/v1/${url}` })).json());
}

const preview = (of: object) => post(previewView, 'experiments/preview', { document: of });
const submit = (of: object) => post(experimentDetail, 'experiments', { document: of });

/** Every trial as if it had run: 11 s each, by its result. */
async function runAll(id: string): Promise<void> {
  const { items } = await api.store.listTrials(id, { limit: 1000, cursor: null, state: 'pending' });
  for (const { trial } of items) {
    const attemptId = `${id}-${trial.id.slice(0, 16)}-1`;
    const plan = plansOf([trial])[trial.cell.id];
    assert.ok(plan);
    await api.store.startAttempts([{ attemptId, experimentId: id, trialId: trial.id, attempt: 1, plan }]);
    const endedAt = new Date().toISOString();
    const end = { outcome: 'succeeded', message: '', exitCode: 0, node: null, endedAt } as const;
    await api.store.endAttempts([{ attemptId, end }]);
    const result = { ...resultOf(trial, attemptId) };
    await api.store.recordOutcomes(id, [{ trialId: trial.id, state: 'succeeded', message: null, result }]);
  }
  await api.store.setExperimentState(id, 'succeeded');
}

const secondsAfter = (at: string | undefined, madeAt: string) => (Date.parse(at ?? '') - Date.parse(madeAt)) / 1000;

test('before anything like it has run, nothing is claimed', async () => {
  const { forecast, cells } = await preview(document(2));
  assert.equal(forecast?.end, null);
  assert.equal(forecast.unknown, 'no like trial has run yet');
  assert.deepEqual([forecast.trialHours, forecast.gpuHours, forecast.cost], [null, null, null]);
  assert.ok(forecast.start !== null, 'that it would start at once is known all the same');
  assert.deepEqual(
    cells.map(({ duration }) => duration),
    [null, null],
  );
});

describe('once like trials have run', () => {
  before(async () => {
    await runAll((await submit(document(2))).id);
  });

  test('a preview tells the duration of a trial, the end, the hours and the cost', async () => {
    const { forecast, cells } = await preview(document(4, { resources: { pricePerHour: 3.6 } }));
    for (const { duration } of cells) {
      assert.equal(duration?.basis, 'same-cell');
      assert.equal(duration.n, 2);
      assert.ok(Math.abs(duration.seconds.median - 11) < 1, `${duration.seconds.median}`);
      assert.ok(duration.seconds.low < 11 && duration.seconds.high > 11);
    }
    assert.ok(forecast?.end && forecast.start);
    // Eight trials of 11 s, two at a time.
    const seconds = secondsAfter(forecast.end.median, forecast.madeAt);
    assert.ok(seconds > 38 && seconds < 56, `${seconds}`);
    assert.ok(forecast.end.low < forecast.end.median && forecast.end.median < forecast.end.high);
    const hours = forecast.gpuHours?.median ?? 0;
    assert.ok(Math.abs(hours * 3600 - 88) < 12, `${hours * 3600} s`);
    assert.ok(Math.abs((forecast.cost?.median ?? 0) - hours * 3.6) < 1e-9);
    assert.equal(forecast.pastError.n, 0);
  });

  test('more steps take longer, by what a step takes', async () => {
    const [first] = (await preview(document(1, { training: { steps: 20 } }))).cells;
    // The history's trials took half a second a step, and 6 s around their steps.
    const settled = (first?.duration?.seconds.median ?? 0) - 6;
    assert.ok(first?.duration?.basis === 'same-shape' && settled > 0);
    const [twice] = (await preview(document(1, { training: { steps: 40 } }))).cells;
    assert.ok(Math.abs(((twice?.duration?.seconds.median ?? 0) - 6) / settled - 2) < 0.01);
  });

  test('an experiment shows its forecast while it is open, in the list too', async () => {
    const { id } = await submit(document(3));
    const shown = await get(experimentDetail, `experiments/${id}`);
    assert.ok(shown.forecast?.end);
    assert.deepEqual(
      shown.forecast.cells.map(({ open, duration }) => [open, duration?.basis]),
      [
        [3, 'same-cell'],
        [3, 'same-cell'],
      ],
    );
    const listed = await get(page(experimentView), 'experiments?limit=1');
    assert.deepEqual(listed.items[0]?.forecast?.end, shown.forecast.end);
    await api.app.inject({ method: 'POST', url: `/v1/experiments/${id}/pause` });
    const paused = await get(experimentDetail, `experiments/${id}`);
    assert.equal(paused.forecast?.end, null);
    assert.equal(paused.forecast.unknown, 'the experiment is paused');
    await api.store.cancelPending(id);
    await api.store.setExperimentState(id, 'cancelled');
    assert.equal((await get(experimentDetail, `experiments/${id}`)).forecast, null);
  });

  test('where GPUs are shared, an experiment waits for those before it', async () => {
    const inventory: GpuInventory = {
      source: 'kubernetes (lamina)',
      at: new Date().toISOString(),
      note: null,
      classes: [
        {
          name: 'h100',
          product: null,
          memoryBytes: null,
          computeCapability: null,
          mig: null,
          nodes: 1,
          perNode: 1,
          total: 1,
          free: 1,
          pricePerHour: 2,
        },
      ],
    };
    const alone = await preview(document(1));
    await api.store.putGpuInventory(inventory);
    const first = await submit(document(2));
    const second = await preview(document(1));
    assert.equal(second.forecast?.trialsOfOthers, 4);
    assert.ok(second.forecast.start && alone.forecast?.start);
    assert.ok(
      secondsAfter(second.forecast.start.median, second.forecast.madeAt) > 15,
      'two of 11 s are in the line for the one GPU',
    );
    assert.ok(secondsAfter(alone.forecast.start.median, alone.forecast.madeAt) < 1);
    assert.ok(Math.abs((second.forecast.cost?.median ?? 0) / (second.forecast.gpuHours?.median ?? 1) - 2) < 1e-9);
    await runAll(first.id);
    await api.store.putGpuInventory({ ...inventory, classes: [] });
  });

  test('what was predicted at submission is compared with what happened', async () => {
    const before = await accuracyLater(0);
    const { id } = await submit(document(2));
    await runAll(id);
    const { end, duration } = await accuracyLater(before.end.n + 1);
    assert.equal(end.n, before.end.n + 1);
    assert.equal(duration.n, before.duration.n + 2);
    // The trials' results say 11 s, as predicted; the experiment itself took no time at all.
    assert.ok((duration.medianError ?? 1) < 0.1, `${duration.medianError}`);
    assert.ok((end.medianError ?? 0) > 0.5, `${end.medianError}`);
    assert.equal(duration.widening, 1);
  });
});

test('the API describes its forecasts', async () => {
  const { paths } = (await api.app.inject({ url: '/openapi.json' })).json();
  assert.ok(paths['/v1/forecast/accuracy'].get.summary);
  const text = JSON.stringify(paths['/v1/experiments/preview']);
  for (const word of ['trialsOfOthers', 'pastError', 'same-shape']) assert.ok(text.includes(word), word);
});

/** A process asks the store for past errors every ten seconds; another process sees them at once. */
async function accuracyLater(least: number) {
  const fresh = await testApi({ store: api.store });
  try {
    const found = forecastAccuracyView.parse((await fresh.app.inject({ url: '/v1/forecast/accuracy' })).json());
    assert.ok(found.end.n >= least);
    return found;
  } finally {
    await fresh.close();
  }
}
