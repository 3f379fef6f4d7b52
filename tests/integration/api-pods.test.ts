/** Submissions whose trials run in pods: what they see of this machine, and what is brought to them. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { Mount } from '@lamina/platform/application/ports/runner-facts.ts';
import { smallDocument, testApi } from '../support/api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
before(async () => {
  api = await testApi();
});
after(() => api.close());
beforeEach(() => see([{ folder: join(api.folder, 'model'), as: '/models/eight' }]));

/** Pods see the artifact store and these. */
function see(mounts: readonly Mount[]): Promise<void> {
  const artifacts = { folder: join(api.folder, 'artifacts'), as: '/artifacts' };
  return api.store.announce({ runner: 'pods', trainerRevision: 'r1', device: null, mounts: [artifacts, ...mounts] });
}

async function post(path: string, document: object, status: number) {
  const answer = await api.app.inject({
    method: 'POST',
    url: `/v1/experiments${path}`,
    headers: { host: 'localhost' },
    payload: { document },
  });
  assert.equal(answer.statusCode, status, answer.body);
  return answer.json();
}

test('a data set that pods do not see is copied into the artifact store; a preview copies nothing', async () => {
  await post('/preview', smallDocument(), 200);
  assert.ok(!existsSync(join(api.folder, 'artifacts/inputs')));
  const { document } = await post('', smallDocument(), 201);
  assert.ok(document.dataset.path.startsWith(join(api.folder, 'artifacts/inputs/')));
  assert.deepEqual(await readFile(document.dataset.path), await readFile(join(api.folder, 'notes.jsonl')));
  assert.equal(document.model.path, join(api.folder, 'model'), 'pods see it under another path');
});

test('a model folder that pods do not see is refused, with what they see', async () => {
  await see([]);
  const { errors } = await post('', smallDocument(), 422);
  assert.equal(errors.length, 1);
  assert.equal(errors[0].path, 'model.path');
  assert.match(errors[0].message, /not seen by the pods/);
  assert.ok(errors[0].fix.includes(join(api.folder, 'artifacts')));
});

test('a path that exists in pods alone is taken as it is, with a warning', async () => {
  await see([{ folder: null, as: '/mnt' }]);
  const document = { ...smallDocument(), model: '/mnt/model', dataset: '/mnt/notes.jsonl' };
  const { warnings } = await post('/preview', document, 200);
  assert.equal(warnings.filter((warning: string) => /not on the server/.test(warning)).length, 2);
  const stored = await post('', document, 201);
  assert.deepEqual([stored.document.model.path, stored.document.dataset.path], ['/mnt/model', '/mnt/notes.jsonl']);
});

test('where a worker sees no GPU, trials that ask for one are said to wait', async () => {
  const inventory = { source: 'pods', at: new Date().toISOString(), classes: [], note: 'No node has a GPU.' };
  const warned = async (more: object = {}) => {
    const { warnings } = await post('/preview', { ...smallDocument(), ...more }, 200);
    return warnings.some((warning: string) => /no GPU is to be had/.test(warning));
  };
  assert.ok(!(await warned()), 'nobody has looked yet');
  await api.store.putGpuInventory({ ...inventory, source: 'another runner' });
  assert.ok(!(await warned()));
  await api.store.putGpuInventory(inventory);
  assert.ok(await warned());
  assert.ok(!(await warned({ resources: { gpus: 0 } })));
});
