import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { hashOf, hashOfFolders, isStamped, writeStamp } from './stamps.mjs';

let folder;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamina-stamps-'));
});
after(() => rmSync(folder, { recursive: true }));

test('a stamp holds for its input alone', () => {
  const stamp = join(folder, 'deep/stamp');
  assert.equal(isStamped(stamp, hashOf('a')), false);
  writeStamp(stamp, hashOf('a'));
  assert.equal(isStamped(stamp, hashOf('a')), true);
  assert.equal(isStamped(stamp, hashOf('b')), false);
  assert.notEqual(hashOf('ab', 'c'), hashOf('a', 'bc'));
});

test('a folder has another hash when a file changes, moves or comes, but not for what is built', () => {
  const sources = join(folder, 'sources');
  mkdirSync(join(sources, 'dist'), { recursive: true });
  writeFileSync(join(sources, 'a.ts'), '1');
  const first = hashOfFolders([sources]);
  writeFileSync(join(sources, 'dist/built.js'), 'x');
  assert.equal(hashOfFolders([sources]), first);
  writeFileSync(join(sources, 'a.ts'), '2');
  const second = hashOfFolders([sources]);
  assert.notEqual(second, first);
  writeFileSync(join(sources, 'b.ts'), '');
  assert.notEqual(hashOfFolders([sources]), second);
});
