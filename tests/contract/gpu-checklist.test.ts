/** Every command of the GPU checklist exists, with every option that it gives. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseDocument } from '@lamina/domain/spec/parse.ts';
import { TRAINER_FOLDER, trainerEnvironment, trainerPython } from '../support/trainer.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/gpu-checklist.md'), 'utf8');
const commands = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) => block.trim().split('\n'));
const optionsOf = (command: string) => (command.match(/ --?[a-z][a-z-]*/g) ?? []).map((option) => option.trim());

function help(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const { stdout, stderr, status } = spawnSync(program, [...args, '--help'], { cwd: root, env, encoding: 'utf8' });
  assert.equal(status, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

function assertOptions(command: string, text: string): void {
  for (const option of optionsOf(command)) {
    const name = option.replace(/^--no-/, '--');
    assert.ok(text.includes(name), `${command}: there is no ${option}`);
  }
}

const parts = (command: string, start: string) => command.slice(start.length).split(' ');
const starting = (start: string) => commands.filter((command) => command.startsWith(start));

test('commands of lamina', () => {
  const found = starting('npx lamina ');
  assert.ok(found.length > 10);
  const texts = new Map<string, string>();
  for (const command of found) {
    const [name = ''] = parts(command, 'npx lamina ');
    const text = texts.get(name) ?? help('services/cli/bin/lamina.mjs', [name]);
    texts.set(name, text);
    assertOptions(command, text);
  }
});

test('commands of the trainer', () => {
  const found = starting('python -m lamina_trainer ');
  assert.ok(found.length > 3);
  for (const command of found) {
    const words = parts(command, 'python -m lamina_trainer ');
    const names = words[0] === 'llama' ? words.slice(0, 2) : words.slice(0, 1);
    assertOptions(
      ` ${words.join(' ')}`,
      help(trainerPython(), ['-m', 'lamina_trainer', ...names], trainerEnvironment()),
    );
  }
});

test('scripts, benchmarks and test files', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const command of [...starting('npm run '), ...starting('npm start')]) {
    const name = command.startsWith('npm run ') ? (parts(command, 'npm run ')[0] ?? '') : 'start';
    assert.ok(name in scripts, command);
  }
  const bench = readFileSync(join(TRAINER_FOLDER, 'bench/bench_trainer.py'), 'utf8');
  for (const command of starting('npm run bench -- ')) {
    const [name = ''] = parts(command, 'npm run bench -- ');
    assert.ok(existsSync(join(root, `tests/bench/${name}.ts`)), command);
    for (const option of optionsOf(command.slice('npm run bench --'.length))) {
      assert.ok(bench.includes(`"${option}"`), `${command}: ${option}`);
    }
  }
  for (const [path] of page.matchAll(/(?:examples|python-trainer\/tests)\/[\w./-]+\w/g))
    assert.ok(existsSync(join(root, path)), path);
});

test('the document that it submits is sound', () => {
  const parsed = parseDocument(readFileSync(join(root, 'examples/gpu-check.yaml'), 'utf8'));
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.deepEqual(parsed.warnings, []);
});
