/** A watch that cannot go on says so within its stream. A real server forgets places only after minutes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import protobuf from 'protobufjs/minimal.js';
import { createClusterClient } from './client.ts';
import { isClusterError } from './errors.ts';
import { PODS } from './resources.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const bytesOf = (write: (writer: protobuf.Writer) => void): Uint8Array => {
  const writer = protobuf.Writer.create();
  write(writer);
  return writer.finish();
};
const tag = (id: number, type: number): number => (id << 3) | type;

function expired(): Buffer {
  const status = bytesOf((writer) =>
    writer.uint32(tag(3, 2)).string('too old resource version').uint32(tag(5, 0)).int32(0).uint32(tag(6, 0)).int32(410),
  );
  const envelope = bytesOf((writer) => writer.uint32(tag(2, 2)).bytes(status));
  const object = bytesOf((writer) => writer.uint32(tag(1, 2)).bytes(Buffer.concat([Buffer.from('k8s\0'), envelope])));
  const event = bytesOf((writer) => writer.uint32(tag(1, 2)).string('ERROR').uint32(tag(2, 2)).bytes(object));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(event.length);
  return Buffer.concat([length, event]);
}

test('a watch from a place that the server has forgotten is an error that says so', async (t) => {
  const server = createServer((request, response) => {
    assert.equal(request.headers.accept, 'application/vnd.kubernetes.protobuf;stream=watch');
    response.end(expired());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const config = new KubeConfig();
  const { port } = server.address() as AddressInfo;
  config.loadFromClusterAndUser(
    { name: 'one', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'me' },
  );
  const client = createClusterClient(config, { namespace: 'default', requestsPerSecond: 100 }, log);
  t.after(() => client.close());
  const watching = (async () => {
    for await (const _ of client.watch(PODS, {}, '1', AbortSignal.timeout(10_000)));
  })();
  await assert.rejects(watching, (error) => isClusterError(error, 'gone') && /too old/.test((error as Error).message));
});
