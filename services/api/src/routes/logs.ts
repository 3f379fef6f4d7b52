import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { logsQuery } from '@lamina/domain/contract/api.ts';
import { isDatasetGeneration } from '@lamina/domain/run/dataset-generation.ts';
import { type ArtifactStore, attemptFolder } from '@lamina/platform/application/ports/artifacts.ts';
import type { AttemptRecord, ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import { ApiError } from '../errors.ts';
import type { Api } from '../instance.ts';
import type { Streams } from '../streams.ts';
import { byId, byTrial, findAttempt, findTrial } from './lookups.ts';

const CHUNK = 64 * 1024;
const LONGEST_TAIL = 16 * 1024 * 1024;
const POLL_MS = 300;

type Query = z.infer<typeof logsQuery>;

export function logRoutes(app: Api, deps: ApiDeps & { streams: Streams }): void {
  const { store, artifacts, streams } = deps;

  async function send(attempt: AttemptRecord, query: Query, reply: FastifyReply): Promise<FastifyReply> {
    const key = `${attemptFolder(attempt)}/log.txt`;
    const offset = query.tail === undefined ? 0 : await tailOffset(artifacts, key, query.tail);
    const stream = streams.open(reply);
    const follow = query.follow ? { store, attemptId: attempt.attemptId, signal: stream.signal } : null;
    reply.type('text/plain; charset=utf-8').header('x-accel-buffering', 'no');
    return reply.send(Readable.from(content(artifacts, key, offset, follow), { objectMode: false }));
  }

  const text = { 200: z.string().describe('standard output and error of the trainer') };

  app.get(
    '/attempts/:id/logs',
    {
      schema: {
        summary: 'Log of an attempt',
        tags: ['attempts'],
        params: byId,
        querystring: logsQuery,
        produces: ['text/plain'],
        response: text,
      },
    },
    async ({ params: { id }, query }, reply) => send(await findAttempt(store, id), query, reply),
  );

  app.get(
    '/experiments/:id/trials/:trialId/logs',
    {
      schema: {
        summary: "Log of a trial's newest attempt; of the generation of the dataset where the trial is `dataset`",
        tags: ['trials'],
        params: byTrial,
        querystring: logsQuery,
        produces: ['text/plain'],
        response: text,
      },
    },
    async ({ params: { id, trialId }, query }, reply) => {
      const isTrial = !isDatasetGeneration(trialId) || (await store.getPreparation(id)) === null;
      if (isTrial) await findTrial(store, id, trialId);
      const attempt = (await store.listAttempts(id, trialId)).at(-1);
      if (attempt === undefined) throw new ApiError('attempt-not-found', `trial ${trialId} has no attempt yet`);
      return send(attempt, query, reply);
    },
  );
}

interface Follow {
  readonly store: ExperimentStore;
  readonly attemptId: string;
  readonly signal: AbortSignal;
}

/** The log from `offset` on; with `follow` until the attempt has ended and all it wrote is sent. */
async function* content(
  artifacts: ArtifactStore,
  key: string,
  offset: number,
  follow: Follow | null,
): AsyncGenerator<Uint8Array> {
  for (let at = offset; ; ) {
    // Asked before the read: what was written before the end is then read for certain.
    const ended = follow === null || (await follow.store.getAttempt(follow.attemptId))?.end !== null;
    let size = 0;
    do {
      const part = await artifacts.readFrom(key, at, CHUNK);
      size = part?.size ?? 0;
      if (part === null || part.bytes.length === 0) break;
      yield part.bytes;
      at += part.bytes.length;
    } while (at < size);
    if (ended || follow === null || follow.signal.aborted) return;
    await sleep(POLL_MS, undefined, { signal: follow.signal }).catch(() => {});
    if (follow.signal.aborted) return;
  }
}

/** Where the last `lines` lines begin, looking back at most 16 MiB. */
async function tailOffset(artifacts: ArtifactStore, key: string, lines: number): Promise<number> {
  const size = (await artifacts.readFrom(key, 0, 0))?.size ?? 0;
  const NEWLINE = 0x0a;
  let found = 0;
  for (let end = size; end > Math.max(0, size - LONGEST_TAIL); ) {
    const start = Math.max(0, end - CHUNK);
    const bytes = (await artifacts.readFrom(key, start, end - start))?.bytes ?? new Uint8Array();
    for (let index = bytes.length - 1; index >= 0; index -= 1) {
      // A newline at the very end closes the last line, it does not begin another.
      if (bytes[index] !== NEWLINE || start + index === size - 1) continue;
      if (found + 1 >= lines) return lines === 0 ? size : start + index + 1;
      found += 1;
    }
    end = start;
  }
  return lines === 0 ? size : Math.max(0, size - LONGEST_TAIL);
}
