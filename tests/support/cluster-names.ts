/** Names of pods for a cluster without a DNS server: what Kubernetes publishes for one, answered over UDP. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { V1EndpointSlice } from '@kubernetes/client-node';
import type { Cluster } from './cluster.ts';

const ADDRESS_RECORD = 1;
const NO_SUCH_NAME = 3;

/** Answers `<host name>.<service>.…` with the pod's address, from the Service's EndpointSlices; at port 53 of `host`. */
export async function serveNames(
  cluster: Cluster,
  namespace: string,
  service: string,
): Promise<{ close(): Promise<void> }> {
  const socket = createSocket('udp4');
  socket.on('message', (query, sender) => {
    void answer(query).then((reply) => socket.send(reply, sender.port, sender.address));
  });
  socket.bind(53, cluster.hostAddress);
  await once(socket, 'listening');
  return { close: () => new Promise((resolve) => socket.close(() => resolve())) };

  async function answer(query: Buffer): Promise<Buffer> {
    const { labels, end } = questionOf(query);
    const type = query.readUInt16BE(end);
    const found = labels[1] === service ? await addressOf(labels[0] ?? '') : undefined;
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8580 | (found === undefined ? NO_SUCH_NAME : 0), 2);
    header.writeUInt16BE(1, 4);
    const question = query.subarray(12, end + 4);
    if (found === undefined || type !== ADDRESS_RECORD) return Buffer.concat([header, question]);
    header.writeUInt16BE(1, 6);
    // The name of the question, an address, for one second.
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...found.split('.').map(Number)]);
    return Buffer.concat([header, question, record]);
  }

  async function addressOf(host: string): Promise<string | undefined> {
    const label = `kubernetes.io/service-name=${service}`;
    const slices = await cluster.kubectlJson<{ items: V1EndpointSlice[] }>(
      'get',
      'endpointslices',
      '-n',
      namespace,
      '-l',
      label,
    );
    const endpoints = slices.items.flatMap((slice) => slice.endpoints ?? []);
    return endpoints.find(({ hostname }) => hostname === host)?.addresses[0];
  }
}

function questionOf(query: Buffer): { labels: string[]; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { labels, end: at + 1 };
}
