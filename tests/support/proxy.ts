/** A TCP proxy whose connections can be cut, refused or frozen, so that a fault hits one client alone. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export class FaultyProxy {
  readonly url: string;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private refusing = false;
  private frozen = false;

  private constructor(server: Server, port: number) {
    this.server = server;
    this.url = `https://127.0.0.1:${port}`;
  }

  /** `target`: address of the server behind it. */
  static async open(target: string): Promise<FaultyProxy> {
    const { hostname, port } = new URL(target);
    const server = createServer();
    const listening = Promise.withResolvers<void>();
    server.listen(0, '127.0.0.1', listening.resolve);
    await listening.promise;
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    const proxy = new FaultyProxy(server, address.port);
    server.on('connection', (socket) => proxy.join(socket, connect(Number(port), hostname)));
    return proxy;
  }

  /** Every connection is reset; new ones are taken at once. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** Connections are reset, new ones as well, until `restore`. */
  refuse(): void {
    this.refusing = true;
    this.cut();
  }

  /** Nothing is passed on any more, and nobody is told, until `restore`. */
  freeze(): void {
    this.frozen = true;
    for (const socket of this.sockets) socket.pause();
  }

  restore(): void {
    this.refusing = false;
    this.frozen = false;
    for (const socket of this.sockets) socket.resume();
  }

  async close(): Promise<void> {
    this.cut();
    const closed = Promise.withResolvers<void>();
    this.server.close(() => closed.resolve());
    await closed.promise;
  }

  private join(client: Socket, upstream: Socket): void {
    if (this.refusing) {
      client.resetAndDestroy();
      upstream.destroy();
      return;
    }
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(from);
      from.on('data', (chunk) => to.write(chunk));
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      if (this.frozen) from.pause();
    }
  }
}
