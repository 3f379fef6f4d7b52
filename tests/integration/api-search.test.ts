/** A document that asks for a search, from its preview to what the search has found. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { experimentDetail, previewView, problem } from '@lamina/domain/contract/api.ts';
import { searchView } from '@lamina/domain/contract/search-view.ts';
import { suggestedPlan, suggestedTrial } from '@lamina/domain/search/suggested.ts';
import type { Suggestion } from '@lamina/domain/search/types.ts';
import { smallDocument, testApi } from '../support/api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
before(async () => {
  api = await testApi();
});
after(() => api.close());

const searching = {
  ...smallDocument([1]),
  search: { parameters: { 'training.learningRate': { low: 1e-5, high: 1e-2, log: true } }, trials: 3, parallel: 1 },
};

const post = (url: string, payload: object) => api.app.inject({ method: 'POST', url: `/v1/${url}`, payload });
const searchOf = async (id: string, query = '') => {
  const response = await api.app.inject({ url: `/v1/experiments/${id}/search${query}` });
  assert.equal(response.statusCode, 200, response.body);
  return searchView.parse(response.json());
};

test('a preview says how many trials the search may add', async () => {
  const response = await post('experiments/preview', { document: searching });
  const { trials, suggestions } = previewView.parse(response.json());
  assert.deepEqual([trials, suggestions], [2, 6]);
  const plain = previewView.parse((await post('experiments/preview', { document: smallDocument() })).json());
  assert.equal(plain.suggestions, 0);
});

test('a submission has its studies, starts its search, and shows what comes of it', async () => {
  const { id, cellList } = experimentDetail.parse((await post('experiments', { document: searching })).json());
  assert.deepEqual(
    api.engine.calls.filter((call) => call.endsWith(id)),
    [`start ${id}`, `search ${id}`],
  );
  const before = await searchOf(id);
  assert.deepEqual(
    before.studies.map(({ key, label, state, objectives, trials, counts, best }) => {
      return { key, label, state, objectives, trials, counts, best };
    }),
    cellList.map((cell) => {
      const { id: key, label } = cell;
      return { key, label, state: 'open', objectives: ['loss'], trials: 3, counts: {}, best: [] };
    }),
  );
  assert.deepEqual(before.suggestions, { items: [], nextCursor: null });

  const [{ study }] = (await api.store.listStudies(id)) as [Awaited<ReturnType<typeof api.store.listStudies>>[number]];
  assert.equal(study.spec.name, `${id}/${study.key}`);
  const base = (await api.store.baseTrials(id, study.cellIds)).get(study.key) ?? assert.fail();
  const added = [1e-3, 2e-3, 3e-3].map((rate, number) => {
    const parameters = { 'training.learningRate': rate };
    const trial = suggestedTrial(base.trial, parameters, 'r1');
    return { number, parameters, made: { trial, plan: suggestedPlan(base.plan, trial.settings) } };
  });
  await api.store.recordProgress(id, study.key, { suggestions: [], added });
  const known: readonly Suggestion[] = await api.store.suggestionsOf(id, study.key);
  const ends = [
    { state: 'complete', values: [3.5], message: null },
    { state: 'pruned', values: null, message: 'behind' },
  ] as const;
  const suggestions = known.slice(0, 2).map((one, index) => ({ ...one, end: ends[index] ?? null }));
  await api.store.recordProgress(id, study.key, { suggestions, added: [] });

  const { studies, suggestions: page } = await searchOf(id);
  assert.deepEqual(studies[0]?.counts, { complete: 1, pruned: 1, waiting: 1 });
  assert.deepEqual(
    studies[0].best.map(({ number, values }) => [number, values]),
    [[0, [3.5]]],
  );
  assert.deepEqual(
    page.items.map(({ state, message }) => [state, message]),
    [
      ['complete', null],
      ['pruned', 'behind'],
      ['waiting', null],
    ],
  );
  const first = await searchOf(id, `?limit=2&study=${study.key}`);
  const rest = await searchOf(id, `?limit=2&study=${study.key}&cursor=${first.suggestions.nextCursor}`);
  assert.deepEqual(
    [...first.suggestions.items, ...rest.suggestions.items].map(({ number }) => number),
    [0, 1, 2],
  );
  assert.equal(rest.suggestions.nextCursor, null);
  const other = await searchOf(id, `?study=${studies[1]?.key}`);
  assert.deepEqual(other.suggestions.items, []);
});

test('an extension brings studies of its cells, and the search is told', async () => {
  const { id } = experimentDetail.parse((await post('experiments', { document: searching })).json());
  const response = await post(`experiments/${id}/extend`, { matrix: { layers: [6] } });
  assert.equal(response.statusCode, 200, response.body);
  assert.equal((await searchOf(id)).studies.length, 3);
  assert.deepEqual(api.engine.calls.filter((call) => call.endsWith(id)).slice(-2), [`wake ${id}`, `search ${id}`]);
});

test('an experiment without a search has no studies, one that is not there has an error', async () => {
  const { id } = experimentDetail.parse((await post('experiments', { document: smallDocument() })).json());
  assert.deepEqual(await searchOf(id), { studies: [], suggestions: { items: [], nextCursor: null } });
  const missing = await api.app.inject({ url: '/v1/experiments/nobody/search' });
  assert.equal(missing.statusCode, 404);
  assert.equal(problem.parse(missing.json()).code, 'experiment-not-found');
});
