/** An HTTP server that speaks the protocol of chat completions, and counts what it is asked. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const WORDS = ['river', 'stone', 'quiet', 'lantern', 'harbor', 'winter', 'copper', 'meadow', 'signal', 'orchard'];

export interface OpenAiServer {
  readonly url: string;
  /** How often each prompt was asked. */
  readonly asked: ReadonlyMap<string, number>;
  /** How often each prompt was answered. */
  readonly answered: ReadonlyMap<string, number>;
  /** The `authorization` headers seen. */
  readonly keys: ReadonlySet<string>;
  /** Milliseconds that each answer takes from now on. */
  delay(ms: number): void;
  /** Requests are answered with this status from now on; null: with completions. */
  refuse(status: number | null): void;
  close(): Promise<void>;
}

export async function startOpenAiServer(): Promise<OpenAiServer> {
  const asked = new Map<string, number>();
  const answered = new Map<string, number>();
  const keys = new Set<string>();
  let delayMs = 0;
  let refusal: number | null = null;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    keys.add(request.headers.authorization ?? '');
    if (request.method !== 'POST') return void response.end(JSON.stringify({ data: [{ id: 'writer' }] }));
    const prompt = (JSON.parse(text) as { messages: { content: string }[] }).messages.at(-1)?.content ?? '';
    asked.set(prompt, (asked.get(prompt) ?? 0) + 1);
    await sleep(delayMs);
    response.setHeader('content-type', 'application/json');
    if (refusal !== null) {
      response.statusCode = refusal;
      return void response.end(JSON.stringify({ error: { message: 'not now' } }));
    }
    const content = essay(prompt);
    const usage = { prompt_tokens: prompt.split(' ').length, completion_tokens: content.split(' ').length };
    const choices = [{ message: { content }, finish_reason: 'stop' }];
    response.end(JSON.stringify({ model: 'writer-1', choices, usage }), () => {
      answered.set(prompt, (answered.get(prompt) ?? 0) + 1);
    });
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    asked,
    answered,
    keys,
    delay(ms) {
      delayMs = ms;
    },
    refuse(status) {
      refusal = status;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A text that follows from the prompt, and that no other prompt gives. */
function essay(prompt: string): string {
  const digest = createHash('sha512').update(prompt).digest();
  return `${[...digest].map((byte) => WORDS[byte % WORDS.length]).join(' ')} ${digest.toString('hex').slice(0, 12)}`;
}
