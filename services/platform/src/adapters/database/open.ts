import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { lockDirectory } from './lock.ts';
import { migrate, readMigrations } from './migrate.ts';
import { CHANNEL, listenPostgres } from './notify.ts';
import type { Db, Schema } from './schema.ts';
import { SerialPGliteDialect } from './serial-pglite.ts';

export type DatabaseOptions =
  | { readonly kind: 'pglite'; readonly dataDir: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly connections?: number };

/** An open, migrated database. */
export interface Database {
  readonly kind: DatabaseOptions['kind'];
  readonly db: Db;
  /** Calls back with the id of an experiment that has new events, from any process; null: any may have. */
  onChange(listener: (experimentId: string | null) => void): () => void;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens and migrates. A PGlite folder is locked for this process first: PGlite itself has no lock, and two processes
 * on one folder corrupt it.
 *
 * @throws DirectoryLocked, MigrationDrift
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  return options.kind === 'pglite' ? openPGlite(options.dataDir) : openPostgres(options.url, options.connections ?? 10);
}

async function openPGlite(dataDir: string): Promise<Database> {
  mkdirSync(dataDir, { recursive: true });
  const lock = lockDirectory(dataDir);
  let close = async () => lock.release();
  try {
    const { PGlite } = await import('@electric-sql/pglite');
    const pglite = await PGlite.create({ dataDir: join(dataDir, 'data') });
    close = async () => {
      await pglite.close();
      lock.release();
    };
    const db = new Kysely<Schema>({ dialect: new SerialPGliteDialect(pglite) });
    await migrate(db, await readMigrations());
    const listeners = new Set<(id: string | null) => void>();
    await pglite.listen(CHANNEL, (id) => {
      for (const listener of listeners) listener(id);
    });
    return database('pglite', db, listeners, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function openPostgres(url: string, connections: number): Promise<Database> {
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({ connectionString: url, max: connections });
  // An idle connection that the server closes must not end the process; the pool opens another.
  pool.on('error', () => {});
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrate(db, await readMigrations());
    const listeners = new Set<(id: string | null) => void>();
    const listening = await listenPostgres(url, (id) => {
      for (const listener of listeners) listener(id);
    });
    return database('postgres', db, listeners, async () => {
      await listening.close();
      await db.destroy();
    });
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

function database(
  kind: Database['kind'],
  db: Db,
  listeners: Set<(id: string | null) => void>,
  close: () => Promise<void>,
): Database {
  let closing: Promise<void> | null = null;
  return {
    kind,
    db,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async ping() {
      await sql`SELECT 1`.execute(db);
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}
