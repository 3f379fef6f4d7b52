/** What a worker says of the GPUs just after its start, before or without the nodes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { GpuInventory } from '@lamina/domain/contract/gpus.ts';
import { clientOfServer, quiet } from '../client/testing/server.ts';
import { goldenSettings } from '../manifests/testing/golden.ts';
import { openClusterCache } from './cluster-cache.ts';
import { createInventory } from './inventory.ts';

const items = JSON.parse(readFileSync(join(import.meta.dirname, '../inventory/recorded/nodes.json'), 'utf8'));

function answer(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse): void {
  const message = 'User "me" cannot list resource "nodes"';
  answer(response, 403, { kind: 'Status', status: 'Failure', code: 403, reason: 'Forbidden', message });
}

/** The first question about GPUs to a server that lists nodes as told, and refuses everything else. */
async function firstLook(t: TestContext, listNodes: (response: ServerResponse) => void): Promise<GpuInventory> {
  const client = await clientOfServer(t, ({ url }, response) => {
    const { pathname, searchParams } = new URL(url ?? '', 'http://server');
    if (pathname !== '/api/v1/nodes') refuse(response);
    else if (searchParams.get('watch') === null) listNodes(response);
  });
  const settings = goldenSettings();
  const cache = openClusterCache({ client, instance: settings.instance, log: quiet, changed: () => undefined });
  t.after(() => cache.close());
  return await createInventory({
    client,
    settings,
    source: 'test',
    nodes: () => [...cache.nodes.values()],
    problem: cache.nodesProblem,
    note: async () => null,
  })();
}

test('nodes that take long to list are waited for', async (t) => {
  const list = { kind: 'NodeList', metadata: { resourceVersion: '1' }, items };
  const { classes, note } = await firstLook(t, (response) => setTimeout(answer, 300, response, 200, list));
  assert.equal(classes.length, 2);
  assert.doesNotMatch(note ?? '', /The nodes cannot be seen/);
});

test('nodes that may not be listed are not waited for, and the answer says so', async (t) => {
  const { classes, note } = await firstLook(t, refuse);
  assert.deepEqual(classes, []);
  assert.match(note ?? '', /The nodes cannot be seen: .*list nodes/);
});
