import { DirectoryLocked } from '@lamina/platform/adapters/database/lock.ts';
import type { Config } from './config.ts';
import { findRunning } from './running.ts';

/** Explains why the service could not start, for the person who started it. */
export function startFailure(error: unknown, config: Config): string {
  if (error instanceof DirectoryLocked) {
    const running = findRunning(config.dataDirectory);
    const where = running === null ? '' : ` It is at ${running.url} (process ${running.pid}).`;
    return `${error.message}${where}`;
  }
  const { code, port, address } = error as NodeJS.ErrnoException & { port?: number; address?: string };
  if (code === 'EADDRINUSE') {
    const other =
      port !== undefined && port === config.intake?.port
        ? 'LAMINA_INTAKE_PORT, and name it in eventsUrl of the settings'
        : 'LAMINA_PORT, or 0 for any that is free';
    return `Port ${port} is taken by another program. Choose another with ${other}.`;
  }
  if (code === 'EADDRNOTAVAIL') {
    return `${address} is no address of this machine: LAMINA_INTAKE_HOST says where pods' events are listened for.`;
  }
  return error instanceof Error ? error.message : String(error);
}
