import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';
import { createClient } from './client.ts';
import { CliError } from './errors.ts';

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  server = createServer(answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => server?.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const event = (id: number, state: string) => `id: ${id}\nevent: experiment\ndata: {"state":"${state}","counts":{}}\n\n`;

test('a stream that breaks off goes on from the last event; unknown and broken events are passed over', async () => {
  const asked: (string | undefined)[] = [];
  const url = await serve((request, response) => {
    asked.push(request.headers['last-event-id'] as string | undefined);
    if (asked.length === 2) return void response.writeHead(503).end();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (asked.length > 1) return void response.end(event(8, 'succeeded'));
    response.write(
      `${event(6, 'running')}id: 7\nevent: novelty\ndata: {}\n\nid: 7\nevent: experiment\ndata: {broken\n\n`,
    );
    setTimeout(() => response.destroy(), 50);
  });
  const stop = new AbortController();
  const waits: number[] = [];
  const seen: string[] = [];
  for await (const { id, event: heard } of createClient(url).events('e', stop.signal, (ms) => waits.push(ms))) {
    if (heard.type === 'experiment') seen.push(`${id} ${heard.data.state}`);
    if (seen.length === 2) stop.abort();
  }
  assert.deepEqual(seen, ['6 running', '8 succeeded']);
  assert.deepEqual(asked, [undefined, '6', '6']);
  assert.deepEqual(waits, [500, 1000]);
});

test('an experiment that does not exist ends the stream', async () => {
  const problem = { type: 'about:blank', title: 'No such experiment', status: 404, code: 'experiment-not-found' };
  const url = await serve((_request, response) => response.writeHead(404).end(JSON.stringify(problem)));
  const stream = createClient(url).events('e', new AbortController().signal, () => {});
  await assert.rejects(stream.next(), (error) => error instanceof CliError && error.exitCode === 4);
});

test('a submission that the server could not take is sent again under the same key', async () => {
  const keys: unknown[] = [];
  const url = await serve((request, response) => {
    keys.push(request.headers['idempotency-key']);
    response.writeHead(503).end();
  });
  const submission = { document: 'x', baseDirectory: '/', reuse: true };
  await assert.rejects(
    createClient(url).submit(submission),
    (error) => error instanceof CliError && error.exitCode === 6,
  );
  assert.equal(keys.length, 4);
  assert.equal(new Set(keys).size, 1);
});

test('an answer that is not understood is the server’s fault, not a crash', async () => {
  const url = await serve((_request, response) => response.end('<html>another service</html>'));
  await assert.rejects(createClient(url).list({}), (error) => error instanceof CliError && error.exitCode === 6);
});

test('nobody listening is said at once', async () => {
  const url = await serve((_request, response) => response.end());
  await new Promise((resolve) => server?.close(resolve));
  const started = performance.now();
  await assert.rejects(createClient(url).list({}), (error) => error instanceof CliError && error.exitCode === 3);
  // Three more tries would take at least 1.4 s.
  assert.ok(performance.now() - started < 1000);
});
