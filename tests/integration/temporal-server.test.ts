/** Temporal's dev server outlives a killed parent; the next one takes it over, or starts it on the same database. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startTemporalServer, type TemporalServer } from '@lamina/standalone/temporal-server.ts';

let folder: string;
let server: TemporalServer;
const start = () => startTemporalServer({ executable: process.env.LAMINA_TEMPORAL ?? '', folder });

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lamina-temporal-'));
  server = await start();
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

test('a living server is adopted', async () => {
  const next = await start();
  assert.ok(next.adopted);
  assert.equal(next.address, server.address);
});

test('it is adopted even where its note was lost', async () => {
  writeFileSync(join(folder, 'server.json'), '');
  const next = await start();
  assert.ok(next.adopted);
  assert.equal(next.address, server.address);
});

test('after a stop it starts again on its port', async () => {
  await server.stop();
  const { address } = server;
  server = await start();
  assert.equal(server.adopted, false);
  assert.equal(server.address, address);
});

test('an executable that is not there is named', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'lamina-temporal-'));
  try {
    await assert.rejects(
      startTemporalServer({ executable: '/no/temporal', folder: elsewhere }),
      /could not be started/,
    );
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
});
