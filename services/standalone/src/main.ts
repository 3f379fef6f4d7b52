#!/usr/bin/env node
/** Serves one data directory until it is told to stop. */
import { DirectoryLocked } from '@lamina/platform/database/lock.ts';
import { createLogger } from '@lamina/platform/logging.ts';
import { startStandalone } from './compose.ts';
import { loadConfig } from './config.ts';
import { findRunning } from './running.ts';
import { untilStopped } from './signals.ts';

try {
  const config = loadConfig(process.env);
  const log = createLogger({ name: 'lamina', level: config.logLevel });
  try {
    const standalone = await startStandalone(config, process.env, log);
    log.info({ url: standalone.url, seconds: standalone.timings }, 'serving');
    console.log(`Lamina is at ${standalone.url}`);
    await untilStopped();
    await standalone.close();
  } catch (error) {
    if (!(error instanceof DirectoryLocked)) throw error;
    const running = findRunning(config.dataDirectory);
    const where = running === null ? '' : ` It is at ${running.url} (process ${running.pid}).`;
    console.error(`${error.message}${where}`);
    process.exitCode = 3;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
