import assert from 'node:assert/strict';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createFingerprints } from './fingerprints.ts';
import { createInputFiles } from './input-files.ts';
import { placesFrom } from './paths.ts';
import { resolveTasks } from './tasks.ts';

let folder: string;
before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'lamina-tasks-')));
  const data = 'dataset_path: json\ndataset_kwargs: { data_files: { test: quiz.jsonl } }\n';
  await writeFile(join(folder, 'quiz.yaml'), `task: quiz\n${data}`);
  await writeFile(join(folder, 'quiz.jsonl'), '{"question": "?"}');
  await writeFile(join(folder, 'lost.yaml'), `task: lost\n${data.replace('quiz.jsonl', 'lost.jsonl')}`);
  await writeFile(join(folder, 'hub.yaml'), 'task: hub\ndataset_path: some/hub\n');
});
after(() => rm(folder, { recursive: true, force: true }));

const fingerprints = createFingerprints();
const LIMITS = { maxSamples: null, fewShot: null, batchSize: 1 };
const asked = (...paths: string[]) => ({
  ...LIMITS,
  files: paths.map((path) => ({ path, fingerprint: null, data: [] })),
});
/** `pods`: trials see nothing of this machine. */
const context = (pods: boolean) => ({
  places: placesFrom(folder),
  fingerprints,
  inputFiles: createInputFiles(pods ? [] : null, { localPath: (key) => `/artifacts/${key}` }),
});

test('a task file and its data get paths and fingerprints', async () => {
  const { tasks, issues, copies } = await resolveTasks(asked('quiz.yaml'), context(false));
  assert.deepEqual([issues, copies], [[], []]);
  const [file] = tasks?.files ?? [];
  assert.equal(file?.path, join(folder, 'quiz.yaml'));
  assert.equal(file?.fingerprint, await fingerprints.file(join(folder, 'quiz.yaml')));
  const data = join(folder, 'quiz.jsonl');
  assert.deepEqual(file?.data, [{ name: 'quiz.jsonl', path: data, fingerprint: await fingerprints.file(data) }]);
  const again = await resolveTasks(tasks, context(false));
  assert.deepEqual(again.tasks, tasks);
});

test('pods get copies of both, and a document with them resolves to the same', async () => {
  const { tasks, copies } = await resolveTasks(asked('quiz.yaml'), context(true));
  assert.deepEqual(
    copies.map(({ from }) => from),
    ['quiz.yaml', 'quiz.jsonl'].map((name) => join(folder, name)),
  );
  const [file] = tasks?.files ?? [];
  assert.deepEqual(
    [file?.path, file?.data[0]?.path],
    copies.map(({ key }) => `/artifacts/${key}`),
  );
});

test('every mistake is named with its place', async () => {
  const { issues } = await resolveTasks(asked('quiz.yaml', 'none.yaml', 'lost.yaml', 'hub.yaml'), context(false));
  assert.deepEqual(
    issues.map(({ path }) => path),
    [1, 2, 3].map((index) => `evaluation.tasks.files[${index}]${index === 2 ? '' : '.path'}`),
  );
  assert.match(issues[0]?.message ?? '', /none\.yaml does not exist/);
  assert.match(issues[1]?.message ?? '', /lost\.jsonl does not exist/);
  assert.match(issues[2]?.message ?? '', /hub\.yaml has no local data/);
  const { tasks } = await resolveTasks(asked('quiz.yaml'), context(false));
  const [file] = tasks?.files ?? [];
  assert.ok(tasks && file);
  const other = await resolveTasks({ ...tasks, files: [{ ...file, fingerprint: 'old' }] }, context(false));
  assert.match(other.issues[0]?.message ?? '', /not the file that the fingerprint was taken of/);
});
