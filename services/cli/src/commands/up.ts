import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
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
    const env = {
      ...io.env,
      ...(port === undefined ? {} : { LAMINA_PORT: String(port) }),
      ...(data === undefined ? {} : { LAMINA_DATA: data }),
    };
    const child = spawn(process.execPath, [standaloneMain()], { cwd: io.cwd, env, stdio: 'inherit' });
    // Ctrl-C reaches the whole foreground group; anything else that ends us must end it too.
    const stop = (): void => void child.kill('SIGTERM');
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

/** The all-in-one process is another package: it is started, never imported. */
function standaloneMain(): string {
  try {
    const manifest = createRequire(import.meta.url).resolve('@lamina/standalone/package.json');
    return join(dirname(manifest), 'src', 'main.ts');
  } catch {
    return fileURLToPath(new URL('../../../standalone/src/main.ts', import.meta.url));
  }
}
