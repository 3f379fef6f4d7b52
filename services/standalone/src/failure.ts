import { DirectoryLocked } from '@lamina/platform/database/lock.ts';
import type { Config } from './config.ts';
import { findRunning } from './running.ts';

/** Why the service could not start, in words for whoever started it. */
export function startFailure(error: unknown, config: Config): string {
  if (error instanceof DirectoryLocked) {
    const running = findRunning(config.dataDirectory);
    const where = running === null ? '' : ` It is at ${running.url} (process ${running.pid}).`;
    return `${error.message}${where}`;
  }
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
    return `Port ${config.port} is taken by another program. Choose another with LAMINA_PORT, or 0 for any that is free.`;
  }
  return error instanceof Error ? error.message : String(error);
}
