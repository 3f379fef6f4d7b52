import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { freePort } from './free-port.ts';

test('a port can be listened on; asked for again it is the same one while nobody does, and another one then', async (t) => {
  const port = await freePort();
  assert.equal(await freePort('127.0.0.1', port), port);
  const server = createServer().listen(port, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const other = await freePort('127.0.0.1', port);
  assert.ok(other >= 20_000 && other < 30_000 && other !== port);
});

test('an address that this machine does not have is refused', async () => {
  await assert.rejects(freePort('192.0.2.1'), { code: 'EADDRNOTAVAIL' });
});
