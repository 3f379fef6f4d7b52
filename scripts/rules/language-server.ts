/** TypeScript's own answers about the code: its language server, asked over standard input and output. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Position {
  readonly line: number;
  readonly character: number;
}

export interface Place {
  readonly uri: string;
  readonly range: { readonly start: Position; readonly end: Position };
}

/** Kinds of the Language Server Protocol. */
export const KINDS = { class: 5, method: 6, interface: 11 } as const;

export interface DocumentSymbol {
  readonly name: string;
  readonly kind: number;
  readonly selectionRange: Place['range'];
  readonly children?: readonly DocumentSymbol[];
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly items?: readonly unknown[] };
  readonly result?: unknown;
}

/** `root`: the folder of tsconfig.json, with its node_modules. Lives until `close`. */
export async function openLanguageServer(root: string) {
  const server = spawn(join(root, 'node_modules/.bin/tsc'), ['--lsp', '--stdio'], {
    cwd: root,
    // It says there that it was told to end.
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const waiting = new Map<number, (result: unknown) => void>();
  let received = Buffer.alloc(0);
  let asked = 0;

  function send(message: object): void {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  function ask<R>(method: string, params: object): Promise<R> {
    asked += 1;
    const id = asked;
    send({ id, method, params });
    return new Promise((resolve, reject) => {
      waiting.set(id, (result) => resolve(result as R));
      server.once('exit', (code) => reject(new Error(`the language server ended with ${code}`)));
    });
  }

  function heard({ id, method, params, result }: Message): void {
    if (id === undefined) return;
    if (method === undefined) waiting.get(id)?.(result);
    // It asks for settings, and waits for an answer to each.
    else send({ id, result: params?.items?.map(() => null) ?? null });
  }

  server.stdout.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (;;) {
      const end = received.indexOf('\r\n\r\n');
      const length = Number(/Content-Length: (\d+)/i.exec(received.subarray(0, Math.max(0, end)).toString())?.[1]);
      if (end < 0 || received.length < end + 4 + length) return;
      const body = received.subarray(end + 4, end + 4 + length).toString();
      received = received.subarray(end + 4 + length);
      heard(JSON.parse(body) as Message);
    }
  });
  server.setMaxListeners(0);

  const rootUri = pathToFileURL(root).href;
  await ask('initialize', {
    processId: process.pid,
    rootUri,
    workspaceFolders: [{ uri: rootUri, name: 'checkout' }],
    capabilities: { textDocument: { documentSymbol: { hierarchicalDocumentSymbolSupport: true } } },
  });
  send({ method: 'initialized', params: {} });

  return {
    /** Must come before anything that is asked about a file. */
    open(uri: string, text: string): void {
      send({
        method: 'textDocument/didOpen',
        params: { textDocument: { uri, languageId: 'typescript', version: 1, text } },
      });
    },
    symbols: (uri: string) => ask<readonly DocumentSymbol[]>('textDocument/documentSymbol', { textDocument: { uri } }),
    references: async (uri: string, position: Position) =>
      (await ask<readonly Place[] | null>('textDocument/references', {
        textDocument: { uri },
        position,
        context: { includeDeclaration: false },
      })) ?? [],
    async close(): Promise<void> {
      await ask('shutdown', {});
      send({ method: 'exit' });
    },
  };
}
