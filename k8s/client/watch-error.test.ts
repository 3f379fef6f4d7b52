/** A watch that cannot go on says so within its stream. A real server forgets places only after minutes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs/minimal.js';
import { isClusterError } from './errors.ts';
import { PODS } from './resources.ts';
import { clientOfServer } from './testing/server.ts';

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
  const client = await clientOfServer(t, (request, response) => {
    assert.equal(request.headers.accept, 'application/vnd.kubernetes.protobuf;stream=watch');
    response.end(expired());
  });
  const watching = (async () => {
    for await (const _ of client.watch(PODS, {}, '1', AbortSignal.timeout(10_000)));
  })();
  await assert.rejects(watching, (error) => isClusterError(error, 'gone') && /too old/.test((error as Error).message));
});
