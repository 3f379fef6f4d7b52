/** Server-sent events that go on after a lost connection, from the last event that arrived. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type StreamEvent, streamEvent } from '@lamina/domain/contract/api.ts';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { AbortError } from 'p-retry';

export interface NumberedEvent {
  readonly id: string;
  readonly event: StreamEvent;
}

export interface EventStreamOptions {
  /** @throws AbortError (of p-retry) where trying again cannot help */
  readonly connect: (lastEventId: string | null) => Promise<Response>;
  readonly signal: AbortSignal;
  /** Called before each wait for a new connection. */
  readonly onLost: (waitMs: number) => void;
  readonly firstWaitMs?: number;
  readonly longestWaitMs?: number;
}

/**
 * Ends only with the signal. The wait between connections doubles up to a bound and starts over after an event came
 * through. Events of a kind that this version does not know are passed over.
 */
export async function* eventStream(options: EventStreamOptions): AsyncGenerator<NumberedEvent> {
  const { connect, signal, onLost, firstWaitMs = 500, longestWaitMs = 10_000 } = options;
  let lastEventId: string | null = null;
  let wait = firstWaitMs;
  while (!signal.aborted) {
    try {
      const response = await connect(lastEventId);
      for await (const numbered of messages(response)) {
        wait = firstWaitMs;
        lastEventId = numbered.id;
        yield numbered;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof AbortError && !isUnreachable(error)) throw error.originalError;
    }
    onLost(wait);
    await sleep(wait, undefined, { signal }).catch(() => undefined);
    wait = Math.min(wait * 2, longestWaitMs);
  }
}

/** While watching, a server that is being restarted is waited for. */
function isUnreachable({ originalError }: AbortError): boolean {
  return originalError.message.startsWith('no Lamina server answers');
}

async function* messages(response: Response): AsyncGenerator<NumberedEvent> {
  if (response.body === null) return;
  const stream = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  for await (const { id, event, data } of stream) {
    const read = streamEvent.safeParse({ type: event, data: parsed(data) });
    if (read.success && id !== undefined) yield { id, event: read.data };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
