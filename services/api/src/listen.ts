import type { Api } from './instance.ts';

/** How long a connection may outlive the streams when the service closes. */
const CLIENTS_MS = 500;

/** Listens until closed: streams end by themselves, and clients that keep a connection for later lose it. */
export async function listen(
  app: Api,
  address: { readonly host: string; readonly port: number },
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const url = await app.listen({ ...address });
  return {
    url,
    async close() {
      const limit = setTimeout(() => app.server.closeAllConnections(), CLIENTS_MS);
      await app.close();
      clearTimeout(limit);
    },
  };
}
