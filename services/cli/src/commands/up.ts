import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineCommand } from '../command.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';

export const up = defineCommand({
  command: 'up',
  describe: 'start Lamina on this machine: API, worker, database, dashboard in one process',
  builder: (options) =>
    options
      .option('port', { type: 'number', requiresArg: true, describe: 'of API and dashboard (LAMINA_PORT, else 7070)' })
      .option('data', {
        type: 'string',
        requiresArg: true,
        describe: 'folder of database and artifacts (LAMINA_DATA)',
      }),
  run: async ({ port, data }, { io }) => {
    const env = { ...io.env, ...(data === undefined ? {} : { LAMINA_DATA: data }) };
    const words = [starter(), '--no-run', ...(port === undefined ? [] : ['--port', String(port)])];
    const child = spawn(process.execPath, words, { cwd: io.cwd, env, stdio: 'inherit' });
    // Ctrl-C reaches the whole foreground group by itself, and a second signal would cut the service's closing short.
    const stop = (): void => {
      if (io.signal.reason !== 'SIGINT') child.kill('SIGTERM');
    };
    io.signal.addEventListener('abort', stop, { once: true });
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('exit', (...ended) => resolve(ended));
      child.once('error', reject);
    });
    io.signal.removeEventListener('abort', stop);
    if (code === 0 || signal === 'SIGINT' || signal === 'SIGTERM' || io.signal.aborted) return EXIT_CODES.ok;
    throw new CliError(`the service ended with ${signal ?? `code ${code}`}`, EXIT_CODES.serverError);
  },
});

/**
 * The all-in-one process is another package: it is started, never imported. In a checkout its start script first sets
 * up what is missing; elsewhere the process finds what it needs through the environment.
 */
function starter(): string {
  const inCheckout = fileURLToPath(new URL('../../../../scripts/start.mjs', import.meta.url));
  if (existsSync(inCheckout)) return inCheckout;
  return fileURLToPath(new URL('../../../standalone/src/start.ts', import.meta.url));
}
