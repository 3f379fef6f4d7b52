/** The API while nothing that forecasts are made from can be read. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createExperimentStore } from '@lamina/platform/adapters/database/store.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import { smallDocument, testApi } from '../support/api.ts';
import { openNewPGlite } from '../support/pglite.ts';

let folder: string;
let store: ExperimentStore;
let api: Awaited<ReturnType<typeof testApi>>;
let isBroken = false;
let asked = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-forecast-'));
  store = createExperimentStore(await openNewPGlite(join(folder, 'database')));
  const disturbed = new Proxy(store, {
    get(target, name: keyof ExperimentStore) {
      if (name !== 'openExperiments') return target[name];
      return (id?: string) => {
        asked += 1;
        if (isBroken) return Promise.reject(new Error('canceling statement due to statement timeout'));
        return target.openExperiments(id);
      };
    },
  });
  api = await testApi({ store: disturbed });
});
after(async () => {
  await api?.close();
  await store?.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  isBroken = true;
});

const get = (url: string) => api.app.inject(`/v1/experiments${url}`);
const post = (url: string, payload: object = {}) =>
  api.app.inject({ method: 'POST', url: `/v1/experiments${url}`, payload });

let seed = 0;
async function submitted(): Promise<string> {
  seed += 2;
  const response = await post('', { document: smallDocument([seed, seed + 1]) });
  assert.equal(response.statusCode, 201, response.body);
  const { id, forecast } = response.json();
  if (isBroken) assert.equal(forecast, null);
  return id;
}

test('every answer that holds a forecast is given without it, and the log says why', async () => {
  const id = await submitted();
  const shown = await get(`/${id}`);
  assert.deepEqual([shown.statusCode, shown.json().forecast], [200, null]);
  const previewed = await post('/preview', { document: smallDocument([100]) });
  assert.equal(previewed.statusCode, 200, previewed.body);
  assert.deepEqual([previewed.json().trials, previewed.json().forecast], [2, null]);
  for (const action of ['pause', 'resume', 'cancel']) {
    const answer = await post(`/${id}/${action}`);
    assert.equal(answer.statusCode, 200, `${action}: ${answer.body}`);
    assert.equal(answer.json().experiment.forecast, null);
  }
  const listed = await get('');
  assert.deepEqual([listed.statusCode, listed.json().items.length], [200, 1]);
  assert.ok(api.logged.some((line) => line.includes('a forecast could not be made')));
});

test('a list waits for no forecast, makes none for each of its experiments, and shows what is known', async () => {
  isBroken = false;
  for (let i = 0; i < 5; i += 1) await submitted();
  const before = asked;
  const first = await get('');
  assert.equal(first.statusCode, 200);
  assert.ok(asked - before <= 1, `${asked - before} forecasts were made for one list`);
  await sleep(200);
  isBroken = true;
  const { items } = (await get('')).json();
  const open = items.filter(({ state }: { state: string }) => state === 'running');
  assert.equal(open.length, 5);
  for (const { forecast } of open) assert.equal(forecast.unknown, 'no like trial has run yet');
});
