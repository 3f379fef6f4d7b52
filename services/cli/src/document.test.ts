import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { assignment, axisValues, readDocument, seedList } from './document.ts';
import { CliError } from './errors.ts';
import { runCli } from './main.ts';
import { testIo } from './testing/io.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-cli-'));
  await writeFile(join(folder, 'a.yaml'), '# kept\nname: a\nmatrix:\n  seed: [1, 2]\ntraining: {steps: 5}\n');
  await writeFile(join(folder, 'a.json'), '{"name": "a", "matrix": {"seed": [1]}}');
  await writeFile(join(folder, 'broken.yaml'), 'a: [1,\nb: }');
});
after(() => rm(folder, { recursive: true }));

const fails = (exitCode: number) => (error: unknown) => error instanceof CliError && error.exitCode === exitCode;

test('an unchanged document is sent to the letter, with its folder', async () => {
  const { document, baseDirectory } = await readDocument(testIo({ cwd: folder }), 'a.yaml', []);
  assert.match(document, /^# kept\n/);
  assert.equal(baseDirectory, folder);
});

test('changes set values, lists and axes whose names have dots', async () => {
  const changes = [
    'matrix.seed=[3, 4]',
    'training.steps=9',
    'matrix.training.learningRate=[1e-4]',
    'policy.maxParallel=2',
  ];
  for (const file of ['a.yaml', 'a.json']) {
    const { document } = await readDocument(testIo({ cwd: folder }), file, changes);
    const read = parse(document);
    assert.deepEqual(read.matrix, { seed: [3, 4], 'training.learningRate': [1e-4] });
    assert.equal(read.training.steps, 9);
    assert.equal(read.policy.maxParallel, 2);
  }
});

test('standard input starts from the present folder', async () => {
  const { document, baseDirectory } = await readDocument(testIo({ cwd: folder, stdin: 'name: x' }), '-', ['name=y']);
  assert.equal(document, 'name: y\n');
  assert.equal(baseDirectory, folder);
});

test('a missing file is not found; broken YAML is explained here only where it must be changed', async () => {
  const io = testIo({ cwd: folder });
  await assert.rejects(readDocument(io, 'none.yaml', []), fails(4));
  await assert.rejects(readDocument(io, '.', []), fails(2));
  await assert.rejects(readDocument(io, 'broken.yaml', ['name=x']), fails(2));
  assert.match((await readDocument(io, 'broken.yaml', [])).document, /^a: \[1,/);
});

test('assignments', () => {
  assert.deepEqual(assignment('training.steps=20'), { path: ['training', 'steps'], value: 20 });
  assert.deepEqual(assignment('name=a=b'), { path: ['name'], value: 'a=b' });
  assert.deepEqual(assignment('matrix.lora.r=[8, 16]'), { path: ['matrix', 'lora.r'], value: [8, 16] });
  for (const wrong of ['steps', '=3', 'a=[1']) assert.throws(() => assignment(wrong), fails(2));
});

test('axis values and seeds', () => {
  assert.deepEqual(axisValues('seed=4,5'), ['seed', [4, 5]]);
  assert.deepEqual(axisValues('precision=nf4-dq'), ['precision', ['nf4-dq']]);
  assert.deepEqual(axisValues('layers=[{strategy: even, keep: 9}]'), ['layers', [{ strategy: 'even', keep: 9 }]]);
  assert.deepEqual(seedList('3, 4'), [3, 4]);
  for (const wrong of ['', 'a', '1,,2', '-1', '1.5']) assert.throws(() => seedList(wrong), fails(2));
  assert.throws(() => axisValues('seed'), fails(2));
});

test('a document comes from standard input where its file is "-"', async () => {
  const io = testIo({ stdin: 'matrix: { seed: [0, 0] }' });
  await runCli(['estimate', '-'], io);
  assert.match(io.stderr(), /repeats matrix\.seed\[0\]/);
});
