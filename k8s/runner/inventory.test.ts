/** What a worker says of the GPUs just after its start, before or without the nodes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import type { GpuInventory } from '@lamina/domain/contract/gpus.ts';
import { createClusterClient } from '../client/client.ts';
import { goldenSettings } from '../manifests/testing/golden.ts';
import { createInventory } from './inventory.ts';
import { watchCluster } from './pictures.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
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
  const server = createServer(({ url }, response) => {
    const { pathname, searchParams } = new URL(url ?? '', 'http://server');
    if (pathname !== '/api/v1/nodes') refuse(response);
    else if (searchParams.get('watch') === null) listNodes(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const config = new KubeConfig();
  const { port } = server.address() as AddressInfo;
  config.loadFromClusterAndUser(
    { name: 'one', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'me' },
  );
  const settings = goldenSettings();
  const client = createClusterClient(config, settings, log);
  t.after(() => client.close());
  const pictures = watchCluster({ client, instance: settings.instance, log, changed: () => undefined });
  t.after(() => pictures.close());
  return await createInventory({
    client,
    settings,
    source: 'test',
    nodes: () => [...pictures.nodes.values()],
    problem: pictures.nodesProblem,
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
