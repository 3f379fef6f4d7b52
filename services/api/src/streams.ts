import type { Metrics } from '@lamina/platform/process/metrics.ts';
import type { FastifyReply } from 'fastify';

/** Answers that stay open: they end when the client goes, and when the server closes. */
export interface Streams {
  open(reply: FastifyReply): { readonly signal: AbortSignal };
  closeAll(): void;
}

export function createStreams({ openStreams }: Metrics): Streams {
  const open = new Set<AbortController>();
  return {
    open(reply) {
      const controller = new AbortController();
      open.add(controller);
      openStreams.inc();
      reply.raw.once('close', () => {
        controller.abort();
        if (open.delete(controller)) openStreams.dec();
      });
      return { signal: controller.signal };
    },
    closeAll() {
      for (const controller of open) controller.abort();
    },
  };
}
