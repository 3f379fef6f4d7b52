import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { EXIT_CODE_MEANINGS, EXIT_CODES, exitCodeList } from './exit-codes.ts';
import { runCli } from './main.ts';
import { testIo } from './testing/io.ts';

const page = await readFile(new URL('../../../docs/cli.md', import.meta.url), 'utf8');

test('docs/cli.md and --help list every exit code with its meaning', () => {
  const names = Object.keys(EXIT_CODES) as (keyof typeof EXIT_CODES)[];
  for (const name of names) {
    assert.ok(page.includes(`| ${EXIT_CODES[name]} | ${EXIT_CODE_MEANINGS[name]} |`), name);
    assert.ok(exitCodeList().includes(`${EXIT_CODES[name]}  ${EXIT_CODE_MEANINGS[name]}`), name);
  }
  assert.equal(page.match(/^\| \d+ \| /gm)?.length, names.length);
});

test('docs/cli.md lists every command', async () => {
  const io = testIo();
  await runCli(['--help'], io);
  const commands = [...io.stdout().matchAll(/^ {2}lamina (\w+)/gm)].map(([, name]) => name);
  assert.ok(commands.length >= 13);
  for (const command of commands) assert.match(page, new RegExp(`\`${command}\\b`));
});
