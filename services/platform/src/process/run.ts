import { Cleanup } from './cleanup.ts';
import { InvalidConfig } from './config.ts';
import { createLogger, type LOG_LEVELS, type Logger } from './logging.ts';
import { stopSignal, untilAborted } from './signals.ts';

export interface Started {
  /** Rejects where the service cannot go on; null where it notices nothing of the kind. */
  readonly failed: Promise<never> | null;
}

/**
 * A service from its configuration to its end: 0 after SIGTERM or SIGINT, 1 where it could not start or go on, 2 where
 * the configuration is wrong. What `start` opened is closed in the reverse order.
 */
export async function runService<C extends { readonly logLevel: (typeof LOG_LEVELS)[number] }>(
  name: string,
  loadConfig: () => C,
  start: (config: C, log: Logger, cleanup: Cleanup) => Promise<Started>,
): Promise<number> {
  let config: C;
  try {
    config = loadConfig();
  } catch (error) {
    if (!(error instanceof InvalidConfig)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  const log = createLogger({ name, level: config.logLevel });
  const stop = stopSignal();
  const cleanup = new Cleanup(log);
  try {
    const { failed } = await start(config, log, cleanup);
    await Promise.race([untilAborted(stop), ...(failed === null ? [] : [failed])]);
    return 0;
  } catch (error) {
    log.fatal({ err: error }, 'cannot go on');
    return 1;
  } finally {
    await cleanup.run();
  }
}
