#!/usr/bin/env node
/** Serves one data directory until it is told to stop. */
import { InvalidConfig } from '@lamina/platform/process/config.ts';
import { createLogger } from '@lamina/platform/process/logging.ts';
import { stopSignal, untilAborted } from '@lamina/platform/process/signals.ts';
import { startStandalone } from './compose.ts';
import { type Config, loadConfig } from './config.ts';
import { startFailure } from './failure.ts';

async function serve(config: Config): Promise<number> {
  const log = createLogger({ name: 'lamina', level: config.logLevel });
  const stop = stopSignal();
  try {
    const standalone = await startStandalone(config, process.env, log);
    log.info({ url: standalone.url, seconds: standalone.timings }, 'serving');
    console.log(`Lamina is at ${standalone.url}`);
    await untilAborted(stop);
    await standalone.close();
    return 0;
  } catch (error) {
    log.debug({ err: error }, 'could not start');
    console.error(startFailure(error, config));
    return 1;
  }
}

try {
  process.exitCode = await serve(loadConfig(process.env, process.cwd()));
} catch (error) {
  if (!(error instanceof InvalidConfig)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
