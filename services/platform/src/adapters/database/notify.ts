import { setTimeout as sleep } from 'node:timers/promises';

export const CHANNEL = 'lamina_experiments';
const RECONNECT_MS = 1000;

/** LISTEN on a connection of its own, opened again whenever it is lost; null is said then, for what was missed. */
export async function listenPostgres(
  url: string,
  handler: (experimentId: string | null) => void,
): Promise<{ close(): Promise<void> }> {
  const { default: pg } = await import('pg');
  let closed = false;
  let client = await connect();

  async function connect() {
    const next = new pg.Client({ connectionString: url });
    next.on('notification', (message) => handler(message.payload ?? null));
    next.on('error', () => {});
    await next.connect();
    await next.query(`LISTEN ${CHANNEL}`);
    next.on('end', () => void reconnect());
    return next;
  }

  async function reconnect(): Promise<void> {
    while (!closed) {
      await sleep(RECONNECT_MS, undefined, { ref: false });
      try {
        if (closed) return;
        client = await connect();
        handler(null);
        return;
      } catch {
        // The server is still away.
      }
    }
  }

  return {
    async close() {
      closed = true;
      await client.end();
    },
  };
}
