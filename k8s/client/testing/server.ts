/** A client of a server of the test's own, for answers that a real one gives only by chance. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import { type ClusterClient, createClusterClient } from '../client.ts';

export const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Both end with the test. */
export async function clientOfServer(t: TestContext, listener: RequestListener): Promise<ClusterClient> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const config = new KubeConfig();
  const { port } = server.address() as AddressInfo;
  config.loadFromClusterAndUser(
    { name: 'one', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'me' },
  );
  const client = createClusterClient(config, { namespace: 'default', requestsPerSecond: 100 }, quiet);
  t.after(() => client.close());
  return client;
}
