/**
 * Tokens per second of the trainer against a plain TRL script of the same settings, run in turn on the same weights.
 *
 * Usage: trainer.ts [--model FOLDER_OR_GGUF] [options of python-trainer/bench/bench_trainer.py]
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const given = process.argv.slice(2);
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'lamina/trainer-cache');
const model = join(root, '.lamina/models/gemma-3-270m-q4_k_m.gguf');

if (!given.includes('--model') && !existsSync(model)) {
  console.error(`${model} is missing: npm run setup brings it, or name another with --model.`);
  process.exitCode = 1;
} else {
  const defaults = ['--model', model, '--data', join(root, 'examples/data/notes.jsonl'), '--cache', cache];
  // A later flag wins, so what was given overrides the defaults.
  const child = spawn(
    process.env['LAMINA_TRAINER_PYTHON'] ?? 'python3',
    [join(root, 'python-trainer/bench/bench_trainer.py'), ...defaults, ...given],
    { stdio: 'inherit', env: { ...process.env, PYTHONPATH: join(root, 'python-trainer/src') } },
  );
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
