import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { experimentDetail, page, previewView, trialDetail, trialView } from '@lamina/domain/contract/api.ts';
import { smallDocument, testApi } from '../support/api.ts';
import { plansOf, resultOf } from '../support/planned.ts';

let api: Awaited<ReturnType<typeof testApi>>;
before(async () => {
  api = await testApi();
});
after(() => api.close());

async function submit(document: unknown = smallDocument(), headers: Record<string, string> = {}) {
  return api.app.inject({ method: 'POST', url: '/v1/experiments', payload: { document }, headers });
}

async function post(url: string, payload?: object) {
  return api.app.inject({ method: 'POST', url, ...(payload === undefined ? {} : { payload }) });
}

async function get(url: string, headers: Record<string, string> = {}) {
  return api.app.inject({ url, headers });
}

let salt = 100;
/** Seeds that no other test has measured. */
function freshSeeds(): readonly number[] {
  salt += 2;
  return [salt, salt + 1];
}

describe('submission', () => {
  test('an experiment is stored, started and shown', async () => {
    const response = await submit();
    assert.equal(response.statusCode, 201);
    const detail = experimentDetail.parse(response.json());
    assert.equal(response.headers.location, `/v1/experiments/${detail.id}`);
    assert.equal(detail.state, 'running');
    assert.deepEqual(detail.counts, { pending: 4 });
    assert.equal(detail.cellList.length, 2);
    assert.ok(api.engine.calls.includes(`start ${detail.id}`));
    const shown = await get(`/v1/experiments/${detail.id}`);
    // The forecast may have been renewed meanwhile.
    assert.deepEqual({ ...experimentDetail.parse(shown.json()), forecast: null }, { ...detail, forecast: null });
    const document = detail.document as { dataset: { path: string; fingerprint: string }; model: { path: string } };
    assert.equal(document.model.path, `${api.folder}/model`);
    assert.match(document.dataset.fingerprint, /^[0-9a-f]{64}$/);
  });

  test('a document comes as YAML text too', async () => {
    const yaml = `apiVersion: lamina/v1
name: from yaml
model: ./model
dataset: notes.jsonl
matrix: {layers: [2], precision: bf16, method: lora, seed: [1]}
`;
    const response = await api.app.inject({
      method: 'POST',
      url: `/v1/experiments?baseDirectory=${encodeURIComponent(api.folder)}`,
      payload: yaml,
      headers: { 'content-type': 'application/yaml' },
    });
    assert.equal(response.statusCode, 201, response.body);
    assert.equal(response.json().name, 'from yaml');
    const text = await submit(yaml);
    assert.equal(text.statusCode, 201, text.body);
  });

  test('preview says the same and stores nothing', async () => {
    const count = async () => (await api.store.listExperiments({ limit: 1000, cursor: null })).items.length;
    const before = await count();
    const response = await post('/v1/experiments/preview', { document: smallDocument([1, 2, 3]) });
    const preview = previewView.parse(response.json());
    assert.equal(preview.trials, 6);
    assert.deepEqual(
      preview.cells.map((cell) => cell.seeds),
      [
        [1, 2, 3],
        [1, 2, 3],
      ],
    );
    assert.equal(await count(), before);
  });

  test('the same idempotency key answers with the first experiment and starts nothing again', async () => {
    const headers = { 'idempotency-key': 'once' };
    const [first, second] = [await submit(smallDocument(), headers), await submit(smallDocument(), headers)];
    assert.equal(first.statusCode, 201);
    assert.equal(second.statusCode, 200);
    const { id } = first.json();
    assert.equal(second.json().id, id);
    assert.equal(api.engine.calls.filter((call) => call === `start ${id}`).length, 1);
    const other = await submit(smallDocument([9]), headers);
    assert.equal(other.statusCode, 409);
    assert.equal(other.json().code, 'idempotency-conflict');
  });

  test('measured trials are reused, and preview counts them', async () => {
    const seeds = freshSeeds();
    const first = (await submit(smallDocument(seeds))).json();
    await measureAll(first.id);
    const preview = (await post('/v1/experiments/preview', { document: smallDocument(seeds) })).json();
    assert.equal(preview.reused, 4);
    const second = (await submit(smallDocument(seeds))).json();
    assert.deepEqual(second.counts, { reused: 4 });
    const fresh = await post('/v1/experiments', { document: smallDocument(seeds), reuse: false });
    assert.deepEqual(fresh.json().counts, { pending: 4 });
  });

  test('an absent engine delays the start, not the answer', async () => {
    api.engine.away = true;
    const response = await submit();
    assert.equal(response.statusCode, 202);
    assert.equal(response.json().state, 'pending');
    api.engine.away = false;
  });
});

describe('steering', () => {
  test('pause, resume and cancel move the state and answer with it', async () => {
    const { id } = (await submit()).json();
    for (const [action, state] of [
      ['pause', 'paused'],
      ['resume', 'running'],
      ['cancel', 'cancelling'],
    ]) {
      const response = await post(`/v1/experiments/${id}/${action}`);
      assert.equal(response.statusCode, 200, response.body);
      assert.equal(response.json().experiment.state, state);
    }
    const retry = await post(`/v1/experiments/${id}/retry`);
    assert.equal(retry.json().code, 'experiment-cancelling');
  });

  test('an experiment the engine never heard of is started before it is steered', async () => {
    const { id } = (await submit()).json();
    api.engine.running.delete(id);
    const response = await post(`/v1/experiments/${id}/pause`, {});
    assert.equal(response.json().experiment.state, 'paused');
  });

  test('an ended experiment cannot be paused; an absent engine is said', async () => {
    const { id } = (await submit(smallDocument(freshSeeds()))).json();
    api.engine.away = true;
    const away = await post(`/v1/experiments/${id}/pause`);
    assert.equal(away.statusCode, 503);
    assert.equal(away.json().code, 'engine-unavailable');
    api.engine.away = false;
    await measureAll(id);
    const ended = await post(`/v1/experiments/${id}/cancel`);
    assert.equal(ended.statusCode, 409);
    assert.equal(ended.json().code, 'experiment-ended');
  });

  test('retry sets failed trials back and wakes the run', async () => {
    const { id } = (await submit(smallDocument(freshSeeds()))).json();
    const [first, second] = (await api.store.listTrials(id, { limit: 2, cursor: null })).items;
    assert.ok(first && second);
    await api.store.recordOutcomes(
      id,
      [first, second].map(({ trialId }) => ({ trialId, state: 'failed', message: 'why', result: null })),
    );
    const one = await post(`/v1/experiments/${id}/retry`, { trialIds: [first.trialId] });
    assert.equal(one.json().affected, 1);
    const rest = await post(`/v1/experiments/${id}/retry`);
    assert.equal(rest.json().affected, 1);
    assert.deepEqual(rest.json().experiment.counts, { pending: 4 });
    assert.equal(api.engine.calls.filter((call) => call === `wake ${id}`).length, 2);
    const unknown = await post(`/v1/experiments/${id}/retry`, { trialIds: [first.trialId, 'none'] });
    assert.equal(unknown.statusCode, 400);
    assert.equal(unknown.json().errors[0].path, 'body.trialIds.1');
  });

  test('extend adds trials for new values only, again and again', async () => {
    const { id } = (await submit(smallDocument([1]))).json();
    const extend = (matrix: object) => post(`/v1/experiments/${id}/extend`, { matrix });
    assert.equal((await extend({ seed: [1, 5] })).json().affected, 2);
    assert.equal((await extend({ seed: [5] })).json().affected, 0);
    assert.equal((await extend({ layers: [2, 8] })).json().affected, 2);
    const detail = (await get(`/v1/experiments/${id}`)).json();
    assert.equal(detail.total, 6);
    assert.equal(detail.cellList.length, 3);
    const wrong = await extend({ 'lora.r': [4], seed: [-1] });
    assert.equal(wrong.statusCode, 422);
    assert.equal(wrong.json().errors[0].path, 'matrix.lora.r');
    const broken = await extend({ layers: [99] });
    assert.equal(broken.json().affected, 0);
  });
});

test('concurrent extensions all hold', async () => {
  const { id } = (await submit(smallDocument([1]))).json();
  await Promise.all([11, 12].map((seed) => post(`/v1/experiments/${id}/extend`, { matrix: { seed: [seed] } })));
  const detail = (await get(`/v1/experiments/${id}`)).json();
  assert.equal(detail.total, 6);
  assert.deepEqual(detail.document.matrix.seed.toSorted(), [1, 11, 12]);
});

describe('reading', () => {
  test('lists go by pages and filters', async () => {
    const { id } = (await submit(smallDocument(freshSeeds()))).json();
    const first = page(trialView).parse((await get(`/v1/experiments/${id}/trials?limit=3`)).json());
    const rest = await get(`/v1/experiments/${id}/trials?limit=3&cursor=${first.nextCursor}`);
    assert.equal(first.items.length, 3);
    assert.equal(rest.json().items.length, 1);
    assert.equal(rest.json().nextCursor, null);
    const cellId = first.items[0]?.cellId;
    const ofCell = await get(`/v1/experiments/${id}/trials?cellId=${cellId}&state=pending`);
    assert.equal(ofCell.json().items.length, 2);
    const listed = await get('/v1/experiments?limit=2&name=SMALL&state=running');
    assert.equal(listed.json().items.length, 2);
    const cursor = await get('/v1/experiments?cursor=nonsense~');
    assert.equal(cursor.json().code, 'invalid-cursor');
  });

  test('a trial shows its settings, result and attempts', async () => {
    const { id } = (await submit(smallDocument(freshSeeds()))).json();
    await measureAll(id);
    const [trial] = (await get(`/v1/experiments/${id}/trials`)).json().items;
    const detail = trialDetail.parse((await get(`/v1/experiments/${id}/trials/${trial.id}`)).json());
    assert.equal(detail.state, 'succeeded');
    assert.equal(detail.result?.training.losses.length, 10);
    const [attempt] = detail.attemptList;
    assert.equal(attempt?.outcome, 'succeeded');
    const list = (await get(`/v1/experiments/${id}/attempts?trialId=${trial.id}`)).json();
    assert.deepEqual(list.items, [attempt]);
    assert.deepEqual((await get(`/v1/attempts/${attempt?.id}`)).json(), attempt);
  });

  test('the comparison comes in four formats, and once per version', async () => {
    const { id } = (await submit(smallDocument(freshSeeds()))).json();
    await measureAll(id);
    const url = `/v1/experiments/${id}/comparison`;
    const json = await get(url);
    assert.equal(json.json().rows.length, 2);
    assert.equal(json.json().complete, true);
    assert.match(String((await get(`${url}.csv`)).headers['content-type']), /^text\/csv/);
    assert.match((await get(url, { accept: 'text/markdown' })).body, /\|/);
    const etag = String(json.headers.etag);
    assert.equal((await get(url, { 'if-none-match': etag })).statusCode, 304);
    await api.store.resetTrials(id, { states: ['succeeded'] });
    assert.equal((await get(url, { 'if-none-match': etag })).statusCode, 200);
    const attached = await get(`${url}.csv?download=true`);
    assert.equal(attached.headers['content-disposition'], `attachment; filename="comparison-${id}.csv"`);
    assert.equal((await get(url, { accept: 'image/png' })).statusCode, 406);
    assert.equal((await get(`${url}.html`)).statusCode, 406);
  });

  test('unknown ids are named', async () => {
    const { id } = (await submit()).json();
    for (const [url, code] of [
      ['/v1/experiments/e-none', 'experiment-not-found'],
      ['/v1/experiments/e-none/trials', 'experiment-not-found'],
      ['/v1/experiments/e-none/trials/x', 'experiment-not-found'],
      ['/v1/experiments/e-none/comparison', 'experiment-not-found'],
      ['/v1/experiments/e-none/events', 'experiment-not-found'],
      [`/v1/experiments/${id}/trials/x`, 'trial-not-found'],
      ['/v1/attempts/x', 'attempt-not-found'],
      ['/v1/attempts/x/logs', 'attempt-not-found'],
    ] as const) {
      const response = await get(url);
      assert.equal(response.statusCode, 404, url);
      assert.equal(response.json().code, code, url);
      assert.match(String(response.headers['content-type']), /^application\/problem\+json/);
    }
  });
});

/** Runs every trial of an experiment to a result, as an engine would. */
async function measureAll(id: string): Promise<void> {
  const { items } = await api.store.listTrials(id, { limit: 1000, cursor: null });
  for (const { trial } of items) {
    const attemptId = `${id}-${trial.id.slice(0, 16)}-1`;
    const plan = plansOf([trial])[trial.cell.id];
    assert.ok(plan);
    await api.store.startAttempts([{ attemptId, experimentId: id, trialId: trial.id, attempt: 1, plan }]);
    const endedAt = new Date().toISOString();
    const end = { outcome: 'succeeded', message: 'done', exitCode: 0, node: null, endedAt } as const;
    await api.store.endAttempts([{ attemptId, end }]);
    await api.store.recordOutcomes(id, [
      { trialId: trial.id, state: 'succeeded', message: null, result: resultOf(trial, attemptId) },
    ]);
  }
  await api.store.setExperimentState(id, 'succeeded');
}
