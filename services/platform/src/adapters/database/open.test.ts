import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { DirectoryLocked } from './lock.ts';
import { MigrationDrift, migrate, readMigrations } from './migrate.ts';
import { type Database, openDatabase } from './open.ts';

let folder: string;
let database: Database;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-open-'));
  database = await openDatabase({ kind: 'pglite', dataDir: folder });
});
after(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

test('a second opener is refused while the first holds the folder', async () => {
  await assert.rejects(openDatabase({ kind: 'pglite', dataDir: folder }), DirectoryLocked);
  await database.ping();
});

test('migrating again does nothing; an edited migration or a newer database is refused', async () => {
  const migrations = await readMigrations();
  assert.deepEqual(await migrate(database.db, migrations), []);
  const edited = migrations.map((migration) => ({ ...migration, text: `${migration.text}-- edited\n` }));
  await assert.rejects(migrate(database.db, edited), MigrationDrift);
  await assert.rejects(migrate(database.db, []), MigrationDrift);
});

test('a migration that fails leaves nothing behind', async () => {
  const migrations = await readMigrations();
  const text = 'CREATE TABLE half (id integer);\nCREATE TABLE broken (id nonsense);\n';
  const broken = [...migrations, { number: 9999, name: '9999-broken.sql', text }];
  await assert.rejects(migrate(database.db, broken), /nonsense/);
  const half = await sql<{ name: string | null }>`SELECT to_regclass('half')::text AS name`.execute(database.db);
  assert.equal(half.rows[0]?.name, null);
});

test('a query during a transaction stays outside it', async () => {
  const { db } = database;
  await sql`CREATE TABLE concurrent (id integer)`.execute(db);
  const outside: Promise<unknown>[] = [];
  await assert.rejects(
    db.transaction().execute(async (trx) => {
      await sql`INSERT INTO concurrent VALUES (1)`.execute(trx);
      outside.push(sql`INSERT INTO concurrent VALUES (2)`.execute(db));
      await sql`INSERT INTO concurrent VALUES (3)`.execute(trx);
      throw new Error('rolled back');
    }),
    /rolled back/,
  );
  await Promise.all(outside);
  const { rows } = await sql`SELECT id FROM concurrent`.execute(db);
  assert.deepEqual(rows, [{ id: 2 }]);
});
