import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '@lamina/platform/process/free-port.ts';
import pg from 'pg';

const run = promisify(execFile);
const DEBIAN_FOLDER = '/usr/lib/postgresql';

export interface TestPostgres {
  readonly url: string;
  readonly version: string;
  /** Creates an empty database of its own and answers with its URL. */
  createDatabase(name: string): Promise<string>;
  stop(): Promise<void>;
}

/** The folder with initdb and postgres: from PATH, or the newest one Debian's packages installed; null where none is. */
function binaries(): string | null {
  const installed = existsSync(DEBIAN_FOLDER)
    ? readdirSync(DEBIAN_FOLDER)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(DEBIAN_FOLDER, version, 'bin'))
    : [];
  const folders = [...installed, ...(process.env['PATH'] ?? '').split(':')];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'))) ?? null;
}

/** Why no Postgres can be started here, with the remedy; null where it can. For `{ skip }` of a test. */
export function postgresMissing(): string | null {
  return binaries() === null
    ? 'no PostgreSQL server is installed; enable with: apt-get install postgresql (Debian), brew install postgresql (macOS)'
    : null;
}

/** Starts a real server in a temporary folder, on a free port of 127.0.0.1; as user postgres when run as root. */
export async function startPostgres(): Promise<TestPostgres> {
  const folder = binaries();
  if (folder === null) throw new Error(postgresMissing() ?? '');
  const bin = folder;
  const account = process.getuid?.() === 0 ? await unprivileged() : null;
  const base = await mkdtemp(join(tmpdir(), 'lamina-postgres-'));
  await chmod(base, 0o777);
  const data = join(base, 'data');
  const options = { cwd: base, ...account };
  await run(join(bin, 'initdb'), ['-D', data, '-U', 'lamina', '--auth=trust', '--no-sync', '-E', 'UTF8'], options);
  const port = await freePort();
  const server = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', base], {
    ...options,
    stdio: 'ignore',
  });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const killAtExit = () => server.kill('SIGQUIT');
  process.once('exit', killAtExit);
  const address = (name: string) => `postgres://lamina@127.0.0.1:${port}/${name}`;

  async function query(text: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: address('postgres') });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  }

  async function ready(): Promise<string> {
    for (let tries = 0; ; tries += 1) {
      try {
        return String((await query('SHOW server_version'))[0]?.['server_version']);
      } catch (error) {
        if (tries > 100 || server.exitCode !== null) throw error;
        await sleep(100);
      }
    }
  }

  return {
    version: await ready(),
    url: address('postgres'),
    async createDatabase(name) {
      await query(`CREATE DATABASE "${name}"`);
      return address(name);
    },
    async stop() {
      process.off('exit', killAtExit);
      server.kill('SIGINT');
      await ended;
      await rm(base, { recursive: true, force: true });
    },
  };
}

async function unprivileged(): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'postgres'])).stdout)),
  );
  if (uid === undefined || gid === undefined) throw new Error('there is no user postgres to run the server as');
  return { uid, gid };
}
