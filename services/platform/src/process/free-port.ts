import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Ports below those that Linux and macOS give to outgoing connections and to listeners on port 0, which could take a
 * port between our look and the caller's use.
 */
const RANGE = { from: 20_000, to: 30_000 };
const TRIES = 50;

/**
 * A port that nobody listens on, `preferred` where that is one. Nothing keeps it for the caller, who tries another one
 * where it is taken after all.
 *
 * @throws Error of `listen` where the host has no such address, or where many ports of the range are taken
 */
export async function freePort(host = '127.0.0.1', preferred: number | null = null): Promise<number> {
  for (let left = TRIES, port = preferred; ; left -= 1, port = null) {
    port ??= randomInt(RANGE.from, RANGE.to);
    try {
      await probe(host, port);
      return port;
    } catch (error) {
      if (left === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}

async function probe(host: string, port: number): Promise<void> {
  const server = createServer();
  await once(server.listen(port, host), 'listening');
  server.close();
  await once(server, 'close');
}
