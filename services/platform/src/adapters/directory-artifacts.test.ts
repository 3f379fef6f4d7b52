import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { attemptFolder } from '../application/ports/artifacts.ts';
import { createDirectoryArtifactStore, InvalidKey } from './directory-artifacts.ts';

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'lamina-artifacts-'));
});
after(() => rm(root, { recursive: true, force: true }));

const bytes = (text: string) => new TextEncoder().encode(text);

test('what is written can be read, in part too', async () => {
  const store = createDirectoryArtifactStore(root);
  const key = `${attemptFolder({ experimentId: 'e-1', trialId: 'f00', attempt: 1 })}/log.txt`;
  assert.equal(await store.read(key), null);
  assert.equal(await store.readFrom(key, 0, 10), null);
  await store.write(key, bytes('0123456789'));
  await store.write(key, bytes('abcdefghij'));
  assert.equal(String(Buffer.from((await store.read(key)) ?? [])), 'abcdefghij');
  const part = await store.readFrom(key, 8, 10);
  assert.equal(String(Buffer.from(part?.bytes ?? [])), 'ij');
  assert.equal(part?.size, 10);
  assert.equal((await store.readFrom(key, 50, 10))?.bytes.length, 0);
  assert.deepEqual(await readdir(dirname(join(root, key))), ['log.txt']);
  assert.equal(store.localPath(key), join(root, ...key.split('/')));
});

test('concurrent writers leave one whole content and no rest', async () => {
  const store = createDirectoryArtifactStore(root);
  const contents = Array.from({ length: 20 }, (_, index) => String(index).repeat(10_000));
  await Promise.all(contents.map((content) => store.write('race/file', bytes(content))));
  assert.ok(contents.includes(String(Buffer.from((await store.read('race/file')) ?? []))));
  assert.deepEqual(await readdir(join(root, 'race')), ['file']);
});

test('no key leaves the folder', async () => {
  const store = createDirectoryArtifactStore(root);
  for (const key of ['../x', 'a/../../x', 'a/./b', 'a\\..\\b', 'a\0b']) {
    await assert.rejects(store.read(key), InvalidKey);
  }
  assert.equal(store.localPath('/etc/passwd'), join(root, 'etc/passwd'));
});

test('a file of this machine is copied in once, for everyone to read', async () => {
  const store = createDirectoryArtifactStore(root);
  const file = join(root, 'outside.gguf');
  await writeFile(file, 'weights', { mode: 0o600 });
  await store.copyIn('inputs/aa/m.gguf', file);
  const path = store.localPath('inputs/aa/m.gguf') ?? '';
  const first = await stat(path);
  assert.equal(first.mode & 0o777, 0o644);
  assert.deepEqual(await store.read('inputs/aa/m.gguf'), await readFile(file));
  await store.copyIn('inputs/aa/m.gguf', file);
  assert.equal((await stat(path)).ino, first.ino, 'it is there already');
});
