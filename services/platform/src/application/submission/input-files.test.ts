import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createInputFiles, type InputFiles } from './input-files.ts';

let folder: string;
let inputFiles: InputFiles;
before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'lamina-input-files-')));
  await mkdir(join(folder, 'models'));
  await mkdir(join(folder, 'home'));
  await writeFile(join(folder, 'models/m.gguf'), 'weights');
  await writeFile(join(folder, 'home/notes.jsonl'), '{}');
  await symlink(join(folder, 'models/m.gguf'), join(folder, 'home/link.gguf'));
  inputFiles = createInputFiles(
    [
      { folder: join(folder, 'models'), as: '/models' },
      { folder: null, as: '/mnt/data' },
    ],
    { localPath: (key) => `/artifacts/${key}` },
  );
});
after(() => rm(folder, { recursive: true, force: true }));

test('what pods see stays where it is, also behind a link', async () => {
  for (const path of [join(folder, 'models/m.gguf'), join(folder, 'home/link.gguf')]) {
    assert.deepEqual(await inputFiles.locate(path, { sha256: 'aa' }), {
      path: join(folder, 'models/m.gguf'),
      copy: null,
    });
  }
  assert.ok(inputFiles.seen('/mnt/data/notes.jsonl'));
  assert.ok(!inputFiles.seen(join(folder, 'home/notes.jsonl')));
});

test('another file is copied to where its content names it', async () => {
  const from = join(folder, 'home/notes.jsonl');
  assert.deepEqual(await inputFiles.locate(from, { sha256: 'aa' }), {
    path: '/artifacts/inputs/aa/notes.jsonl',
    copy: { from, key: 'inputs/aa/notes.jsonl' },
  });
});

test('folders and huge files are refused with the folders that pods see', async () => {
  const huge = join(folder, 'home/huge.gguf');
  await writeFile(huge, '');
  await truncate(huge, 3 * 2 ** 30);
  for (const [path, sha256] of [
    [join(folder, 'home'), null],
    [huge, 'aa'],
  ] as const) {
    const located = await inputFiles.locate(path, { sha256 });
    assert.ok('problem' in located);
    assert.ok(located.problem.message.includes(path));
    assert.match(located.problem.fix ?? '', /models or \/mnt\/data/);
  }
});

test('trials on this machine take everything as it is', async () => {
  const here = createInputFiles(null, { localPath: () => null });
  assert.deepEqual(await here.locate('/nowhere', { sha256: null }), { path: '/nowhere', copy: null });
  assert.ok(!here.seen('/nowhere'));
});
