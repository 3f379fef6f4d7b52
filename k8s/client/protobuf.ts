/**
 * Objects as the API server keeps them. It encodes a change once for all who watch in this form, its own components among
 * them; JSON of a pod costs it about a millisecond for every watch, and several times the bytes.
 */
import protobuf from 'protobufjs/minimal.js';

export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

/** `count`: a number that JSON leaves out where it is zero. */
type Kind = 'string' | 'int' | 'count' | 'bool' | 'time' | 'quantity' | 'bytes' | Shape | Listing | Mapping;
type Shape = ReadonlyMap<number, { readonly name: string; readonly kind: Kind }>;

/** What is read of a message; everything else in it is passed over. */
export type MessageShape = Shape;

interface Listing {
  readonly listOf: Kind;
}

interface Mapping {
  readonly mapTo: Kind;
}

/** Field numbers and kinds by the names that the fields have in JSON. */
export function shapeOf(fields: Readonly<Record<string, readonly [id: number, kind: Kind]>>): Shape {
  return new Map(Object.entries(fields).map(([name, [id, kind]]) => [id, { name, kind }]));
}

export const listOf = (kind: Kind): Listing => ({ listOf: kind });
export const mapTo = (kind: Kind): Mapping => ({ mapTo: kind });

const MAGIC = Buffer.from('k8s\0');
const ENVELOPE = shapeOf({ raw: [2, 'bytes'] });

/** An object in its envelope: four bytes that say so, its type, and its fields. @throws Error where it is none */
export function decodeObject(bytes: Uint8Array, shape: Shape): unknown {
  if (MAGIC.compare(bytes, 0, MAGIC.length) !== 0) throw new Error('the answer is not what was asked for: no protobuf');
  const { raw } = decodeMessage(bytes.subarray(MAGIC.length), ENVELOPE) as { raw?: Uint8Array };
  return decodeMessage(raw ?? new Uint8Array(), shape);
}

export function decodeMessage(bytes: Uint8Array, shape: Shape): Record<string, unknown> {
  const reader = protobuf.Reader.create(bytes);
  return readMessage(reader, reader.len, shape);
}

function readMessage(reader: protobuf.Reader, end: number, shape: Shape): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = shape.get(tag >>> 3);
    if (field === undefined) reader.skipType(tag & 7);
    else readField(reader, message, field.name, field.kind);
  }
  return message;
}

function readField(reader: protobuf.Reader, message: Record<string, unknown>, name: string, kind: Kind): void {
  if (typeof kind === 'object' && 'listOf' in kind) {
    const items = (message[name] ??= []) as unknown[];
    items.push(readValue(reader, kind.listOf));
  } else if (typeof kind === 'object' && 'mapTo' in kind) {
    const { key = '', value = '' } = readMessage(reader, endOf(reader), entryOf(kind)) as {
      key?: string;
      value?: unknown;
    };
    const entries = (message[name] ??= {}) as Record<string, unknown>;
    entries[key] = value;
  } else {
    const value = readValue(reader, kind);
    // JSON leaves out what is empty; this form writes it.
    if (value !== '' && (value !== 0 || kind !== 'count')) message[name] = value;
  }
}

function readValue(reader: protobuf.Reader, kind: Kind): unknown {
  switch (kind) {
    case 'string':
      return reader.string();
    case 'bytes':
      return reader.bytes();
    case 'bool':
      return reader.bool();
    case 'int':
    case 'count':
      return Number(reader.int64());
    case 'time':
      return timeOf(readMessage(reader, endOf(reader), TIME));
    case 'quantity':
      return readMessage(reader, endOf(reader), QUANTITY)['string'];
    default:
      return readMessage(reader, endOf(reader), kind as Shape);
  }
}

const TIME = shapeOf({ seconds: [1, 'int'], nanos: [2, 'int'] });
const QUANTITY = shapeOf({ string: [1, 'string'] });
const ENTRIES = new Map<Kind, Shape>();

function entryOf({ mapTo: kind }: Mapping): Shape {
  const known = ENTRIES.get(kind) ?? shapeOf({ key: [1, 'string'], value: [2, kind] });
  ENTRIES.set(kind, known);
  return known;
}

function endOf(reader: protobuf.Reader): number {
  const length = reader.uint32();
  return reader.pos + length;
}

/** Null where no time has been set, as in JSON. Whole seconds, as JSON has them. */
function timeOf({ seconds }: { seconds?: number }): string | null {
  return seconds === undefined ? null : new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** Messages of a stream: each comes after its length, four bytes, the highest first. */
export async function* framesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length >= at + 4 && rest.length >= at + 4 + rest.readUInt32BE(at)) {
      const end = at + 4 + rest.readUInt32BE(at);
      yield rest.subarray(at + 4, end);
      at = end;
    }
    rest = rest.subarray(at);
  }
}
