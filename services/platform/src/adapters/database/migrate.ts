import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { sql } from 'kysely';
import type { Db } from './schema.ts';

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly text: string;
}

/** The database was made by other migrations than those of this version. */
export class MigrationDrift extends Error {
  override name = 'MigrationDrift';
}

const FOLDER = new URL('./migrations/', import.meta.url);
/** Any constant of our own: it keeps two processes from migrating at once. */
const ADVISORY_LOCK = 7_070_001;

export async function readMigrations(folder: URL = FOLDER): Promise<readonly Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (file) => ({
      number: Number(file.slice(0, 4)),
      name: file,
      text: await readFile(new URL(file, folder), 'utf8'),
    })),
  );
}

/**
 * Brings the database to this version, all in one transaction.
 *
 * @throws MigrationDrift when an applied migration was edited, or the database is newer than this version
 */
export async function migrate(db: Db, migrations: readonly Migration[]): Promise<readonly string[]> {
  return db.transaction().execute(async (trx) => {
    await sql`SELECT pg_advisory_xact_lock(${sql.lit(ADVISORY_LOCK)})`.execute(trx);
    await sql`CREATE TABLE IF NOT EXISTS migrations (
      number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
    )`.execute(trx);
    const applied = await sql<{ number: number; name: string; checksum: string }>`
      SELECT number, name, checksum FROM migrations ORDER BY number`.execute(trx);
    const known = new Map(migrations.map((migration) => [migration.number, migration]));
    for (const row of applied.rows) {
      const migration = known.get(row.number);
      if (migration === undefined) {
        throw new MigrationDrift(
          `the database has migration ${row.name}, which this version does not know; upgrade it`,
        );
      }
      if (checksum(migration.text) !== row.checksum) {
        throw new MigrationDrift(
          `migration ${migration.name} was edited after it had been applied; add a new one instead`,
        );
      }
    }
    const done = new Set(applied.rows.map((row) => row.number));
    const pending = migrations.filter((migration) => !done.has(migration.number));
    for (const migration of pending) {
      for (const statement of statements(migration.text)) await sql.raw(statement).execute(trx);
      await sql`INSERT INTO migrations (number, name, checksum)
        VALUES (${migration.number}, ${migration.name}, ${checksum(migration.text)})`.execute(trx);
    }
    return pending.map((migration) => migration.name);
  });
}

function statements(text: string): readonly string[] {
  return text
    .split(/;[ \t]*\r?\n/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

function checksum(text: string): string {
  return createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex');
}
