import { InvalidCursor } from '../../application/ports/errors.ts';

/** Opaque to clients; the sort key of the last item. */
export function encodeCursor(key: string | number): string {
  return Buffer.from(String(key)).toString('base64url');
}

/** @throws InvalidCursor */
export function decodeNumber(cursor: string | null): number | null {
  if (cursor === null) return null;
  const text = Buffer.from(cursor, 'base64url').toString();
  if (!/^\d{1,9}$/.test(text)) throw new InvalidCursor('the cursor does not come from this list');
  return Number(text);
}

/** @throws InvalidCursor */
export function decodeId(cursor: string | null): string | null {
  if (cursor === null) return null;
  const text = Buffer.from(cursor, 'base64url').toString();
  if (!/^[\w-]{1,64}$/.test(text)) throw new InvalidCursor('the cursor does not come from this list');
  return text;
}

/** Cursor into a list that is sorted by two numbers. */
export function encodePlace(first: number, second: number): string {
  return encodeCursor(`${first}.${second}`);
}

/** @throws InvalidCursor */
export function decodePlace(cursor: string | null): readonly [number, number] | null {
  if (cursor === null) return null;
  const found = /^(\d{1,9})\.(\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (found === null) throw new InvalidCursor('the cursor does not come from this list');
  return [Number(found[1]), Number(found[2])];
}

/** Takes the page out of `limit + 1` rows. */
export function toPage<T>(items: readonly T[], limit: number, key: (item: T) => string | number) {
  const last = items[limit - 1];
  const more = items.length > limit && last !== undefined;
  return { items: items.slice(0, limit), nextCursor: more ? encodeCursor(key(last)) : null };
}
