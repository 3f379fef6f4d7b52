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

/** Ends by itself before it is the real one, as often as told, as where somebody has taken its port. */
function endingAtFirst(where: string, times: number): string {
  const executable = join(where, 'temporal');
  const count = join(where, 'count');
  writeFileSync(
    executable,
    `#!/bin/sh
echo x >> '${count}'
if [ "$(wc -l < '${count}')" -le ${times} ]; then echo 'bind: address already in use' >&2; exit 1; fi
exec "$LAMINA_TEMPORAL" "$@"
`,
    { mode: 0o755 },
  );
  return executable;
}

test('one that ends by itself is started again on another port, and at last its own words are said', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'lamina-temporal-'));
  try {
    const once = await startTemporalServer({
      executable: endingAtFirst(elsewhere, 2),
      folder: join(elsewhere, 'twice'),
    });
    await once.stop();
    const failing = startTemporalServer({ executable: endingAtFirst(elsewhere, 99), folder: join(elsewhere, 'never') });
    await assert.rejects(failing, /did not start: bind: address already in use; see .*server\.log/);
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
});
