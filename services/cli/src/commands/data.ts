import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineCommand } from '../command.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { Io } from '../io.ts';

/** How the trainer ends where what it was asked is wrong. */
const INVALID = 64;
const LARGEST_ANSWER = 256 * 2 ** 20;

export const data = defineCommand({
  command: 'data <file>',
  describe: 'show what a data file trains on: the tokens that count, lengths, duplicates; needs no server',
  builder: (options) =>
    options
      .positional('file', { type: 'string', demandOption: true, describe: 'file of records' })
      .option('model', {
        type: 'string',
        requiresArg: true,
        demandOption: true,
        describe: 'folder, .gguf file or hub id of the model that reads it',
      })
      .option('fields', { type: 'string', requiresArg: true, describe: 'columns as JSON, e.g. {"messages": "chat"}' })
      .option('loss', { choices: ['all', 'answers'] as const, describe: 'which tokens count' })
      .option('chat-template', { type: 'string', requiresArg: true, describe: 'file with a Jinja template' })
      .option('special-tokens', {
        choices: ['tokens', 'text'] as const,
        describe: 'what special tokens become that records write out',
      })
      .option('max-length', { type: 'number', requiresArg: true, describe: 'training.maxLength' })
      .option('fraction', { type: 'number', requiresArg: true, describe: 'evaluation.fraction' })
      .option('samples', { type: 'number', requiresArg: true, describe: 'records to show' }),
  run: async (args, { io, json }) => {
    const options = {
      model: args.model,
      fields: args.fields,
      loss: args.loss,
      'chat-template': args.chatTemplate,
      'special-tokens': args.specialTokens,
      'max-length': args.maxLength,
      fraction: args.fraction,
      samples: args.samples,
    };
    const given = Object.entries(options).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}=${value}`],
    );
    const format = json ? ['--json'] : io.color.level > 0 ? ['--color'] : [];
    io.out(await answerOf(io, ['data', args.file, ...given, ...format]));
    return EXIT_CODES.ok;
  },
});

/** What a command of the trainer prints; it is another program, run in the environment of `npm start`. */
function answerOf(io: Io, words: readonly string[]): Promise<string> {
  const { command, first, env } = trainer(io);
  const options = { cwd: io.cwd, env, signal: io.signal, maxBuffer: LARGEST_ANSWER };
  return new Promise((resolve, reject) => {
    execFile(command, [...first, ...words], options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const said = /^error: (.*)$/ms.exec(stderr)?.[1]?.trim();
      const code = error.code === INVALID ? EXIT_CODES.usage : EXIT_CODES.serverError;
      reject(new CliError(said ?? `the trainer failed: ${stderr.trim() || error.message}`, code));
    });
  });
}

function trainer({ env }: Io): { command: string; first: readonly string[]; env: NodeJS.ProcessEnv } {
  const script = fileURLToPath(new URL('../../../../scripts/trainer.mjs', import.meta.url));
  const python = env['LAMINA_TRAINER_PYTHON'];
  if (python === undefined && existsSync(script))
    return { command: process.execPath, first: [script], env: { ...env } };
  if (python === undefined) {
    const fix = "name the interpreter of the trainer's environment in LAMINA_TRAINER_PYTHON";
    throw new CliError('the trainer is not on this machine', EXIT_CODES.usage, { fix });
  }
  const source = env['LAMINA_TRAINER'] ?? fileURLToPath(new URL('../../../../python-trainer', import.meta.url));
  const path = [`${source}/src`, env['PYTHONPATH']].filter((one) => one !== undefined).join(delimiter);
  return { command: python, first: ['-m', 'lamina_trainer'], env: { ...env, PYTHONPATH: path } };
}
