import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs/minimal.js';
import { decodeMessage, decodeObject, framesOf, listOf, mapTo, shapeOf } from './protobuf.ts';

const INNER = shapeOf({ name: [1, 'string'], at: [2, 'time'] });
const SHAPE = shapeOf({
  name: [1, 'string'],
  code: [2, 'int'],
  restarts: [3, 'count'],
  on: [4, 'bool'],
  at: [5, 'time'],
  inner: [6, INNER],
  items: [7, listOf(INNER)],
  labels: [8, mapTo('string')],
  limits: [9, mapTo('quantity')],
});

const bytesOf = (write: (writer: protobuf.Writer) => void): Uint8Array => {
  const writer = protobuf.Writer.create();
  write(writer);
  return writer.finish();
};
const tag = (id: number, type: number): number => (id << 3) | type;
const inner = (name: string) => bytesOf((writer) => writer.uint32(tag(1, 2)).string(name));
const time = (seconds: number) => bytesOf((writer) => writer.uint32(tag(1, 0)).int64(seconds));
const entry = (key: string, value: Uint8Array) =>
  bytesOf((writer) => writer.uint32(tag(1, 2)).string(key).uint32(tag(2, 2)).bytes(value));

test('a message becomes what JSON has, in any order, and what nobody reads is passed over', () => {
  const bytes = bytesOf((writer) =>
    writer
      .uint32(tag(99, 2))
      .string('unknown text')
      .uint32(tag(98, 0))
      .int64(7)
      .uint32(tag(97, 5))
      .fixed32(7)
      .uint32(tag(96, 1))
      .fixed64(7)
      .uint32(tag(7, 2))
      .bytes(inner('a'))
      .uint32(tag(1, 2))
      .string('näme')
      .uint32(tag(2, 0))
      .int32(-1)
      .uint32(tag(3, 0))
      .int32(2)
      .uint32(tag(4, 0))
      .bool(false)
      .uint32(tag(5, 2))
      .bytes(time(4_102_444_800))
      .uint32(tag(6, 2))
      .bytes(inner('one'))
      .uint32(tag(7, 2))
      .bytes(inner('b'))
      .uint32(tag(8, 2))
      .bytes(entry('team', Buffer.from('vision')))
      .uint32(tag(8, 2))
      .bytes(entry('empty', Buffer.from('')))
      .uint32(tag(9, 2))
      .bytes(entry('memory', inner('16Gi'))),
  );
  assert.deepEqual(decodeMessage(bytes, SHAPE), {
    items: [{ name: 'a' }, { name: 'b' }],
    name: 'näme',
    code: -1,
    restarts: 2,
    on: false,
    at: '2100-01-01T00:00:00Z',
    inner: { name: 'one' },
    labels: { team: 'vision', empty: '' },
    limits: { memory: '16Gi' },
  });
});

test('what is empty is left out where JSON leaves it out', () => {
  const bytes = bytesOf((writer) =>
    writer
      .uint32(tag(1, 2))
      .string('')
      .uint32(tag(2, 0))
      .int32(0)
      .uint32(tag(3, 0))
      .int32(0)
      .uint32(tag(5, 2))
      .bytes(new Uint8Array())
      .uint32(tag(6, 2))
      .bytes(new Uint8Array()),
  );
  assert.deepEqual(decodeMessage(bytes, SHAPE), { code: 0, at: null, inner: {} });
});

test('an object is known by its first bytes; JSON is refused', () => {
  const envelope = bytesOf((writer) => writer.uint32(tag(2, 2)).bytes(inner('x')));
  assert.deepEqual(decodeObject(Buffer.concat([Buffer.from('k8s\0'), envelope]), INNER), { name: 'x' });
  assert.throws(() => decodeObject(Buffer.from('{"kind":"Status"}'), INNER), /no protobuf/);
});

test('messages of a stream come whole, however it is cut', async () => {
  const messages = ['', 'a', 'bc'.repeat(500), 'd'];
  const stream = Buffer.concat(
    messages.map((message) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(message.length);
      return Buffer.concat([length, Buffer.from(message)]);
    }),
  );
  for (const size of [1, 3, 4, 7, stream.length]) {
    async function* cut(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < stream.length; at += size) yield stream.subarray(at, at + size);
    }
    const seen: string[] = [];
    for await (const frame of framesOf(cut())) seen.push(Buffer.from(frame).toString());
    assert.deepEqual(seen, messages);
  }
});
