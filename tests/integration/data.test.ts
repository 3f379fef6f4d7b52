/** `lamina data` with the real trainer: what it finds and how it fails. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCli } from '@lamina/cli/main.ts';
import { testIo } from '@lamina/cli/testing/io.ts';
import { saveTinyModel } from '../support/tiny.ts';
import { TRAINER_FOLDER, trainerPython } from '../support/trainer.ts';

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-data-'));
  await saveTinyModel(folder);
});
after(() => rm(folder, { recursive: true }));

async function data(...words: readonly string[]) {
  const io = testIo({
    cwd: folder,
    env: { ...process.env, LAMINA_TRAINER: TRAINER_FOLDER, LAMINA_TRAINER_PYTHON: trainerPython() },
  });
  const code = await runCli(['data', ...words], io);
  return { code, out: io.stdout(), err: io.stderr() };
}

test('a data file is read by the trainer, with the options of the command line', async () => {
  const { code, out, err } = await data('texts.jsonl', '--model', './model', '--max-length', '16', '--json');
  assert.equal(code, 0, err);
  const found = JSON.parse(out);
  assert.deepEqual([found.records, found.maxLength, found.fields], [60, 16, { text: 'text' }]);
  assert.equal(found.countedTokens, found.tokens);
  const wrong = await data('texts.jsonl', '--model', './model', '--fields', '{"messages": "body"}');
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /no chat template.*dataset\.chatTemplate/s);
});
