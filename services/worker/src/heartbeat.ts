import type { ActivityInterceptorsFactory } from '@temporalio/worker';

const HEARTBEAT_MS = 1_000;

/** A killed worker is noticed by its silence: every activity says regularly that it is at work. */
export const heartbeat: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    async execute(input, next) {
      const timer = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
      try {
        return await next(input);
      } finally {
        clearInterval(timer);
      }
    },
  },
});
