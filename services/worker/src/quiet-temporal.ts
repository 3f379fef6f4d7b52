import type { Logger } from '@lamina/platform/process/logging.ts';
import { DefaultLogger, Runtime } from '@temporalio/worker';

/** Its workers' lines go into our log, and signals are ours: by default Temporal stops its workers at a SIGTERM. */
export function quietTemporal(log: Logger): void {
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) => {
    if (level === 'ERROR') log.error({ ...meta }, message);
    else log.warn({ ...meta }, message);
  });
  Runtime.install({ logger, shutdownSignals: [] });
}
