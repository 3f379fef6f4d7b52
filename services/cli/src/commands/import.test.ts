import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AXOLOTL, TRL } from '@lamina/domain/import/testing/files.ts';
import { parseDocument } from '@lamina/domain/spec/parse.ts';
import { runCli } from '../main.ts';
import { testIo } from '../testing/io.ts';

test('the document goes to standard output, and what did not carry over to standard error as well', async () => {
  const io = testIo({ stdin: AXOLOTL });
  assert.equal(await runCli(['import', '-'], io), 0);
  assert.ok(parseDocument(io.stdout()).ok);
  assert.match(io.stdout(), /^# Imported from axolotl\./);
  assert.match(io.stderr(), /^not carried over, num_epochs: Lamina counts optimizer steps/m);
});

test('to a file, and as JSON', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lamina-import-'));
  const io = testIo({ stdin: TRL, cwd: folder });
  assert.equal(await runCli(['import', '-', '-o', 'mine.yaml'], io), 0);
  assert.equal(io.stdout(), '');
  assert.ok(parseDocument(await readFile(join(folder, 'mine.yaml'), 'utf8')).ok);
  await rm(folder, { recursive: true });
  const asJson = testIo({ stdin: TRL });
  await runCli(['import', '-', '--json'], asJson);
  const { from, left } = JSON.parse(asJson.stdout());
  assert.equal(from, 'TRL');
  assert.ok(left.some(({ key }: { key: string }) => key === 'optim'));
});

test('a file of no known tool says what can be named', async () => {
  const io = testIo({ stdin: 'a: 1\n' });
  assert.equal(await runCli(['import', '-'], io), 2);
  assert.match(io.stderr(), /is of no tool that is known by its keys[\s\S]*--from llama-factory/);
});
