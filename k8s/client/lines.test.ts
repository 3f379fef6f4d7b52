import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { linesOf } from './lines.ts';

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test('lines do not depend on how the bytes arrive', async () => {
  const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''));
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 7 }), async (lines, size) => {
      const bytes = new TextEncoder().encode(lines.map((each) => `${each}\n`).join(''));
      assert.deepEqual(await Array.fromAsync(linesOf(chunksOf(bytes, size))), lines);
    }),
  );
});

test('a last line without an end counts', async () => {
  const bytes = new TextEncoder().encode('one\ntwo');
  assert.deepEqual(await Array.fromAsync(linesOf(chunksOf(bytes, 3))), ['one', 'two']);
});
