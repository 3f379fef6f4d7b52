#!/usr/bin/env node
/** What `npm start` runs once everything is installed: serves, runs one document, shows it, compares, stays. */
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@lamina/cli/client.ts';
import { printComparison } from '@lamina/cli/comparison.ts';
import { CliError } from '@lamina/cli/errors.ts';
import { errorText } from '@lamina/cli/format/problem.ts';
import { duration } from '@lamina/cli/format/time.ts';
import { type Io, processIo } from '@lamina/cli/io.ts';
import { exitCodeOf, watchExperiment } from '@lamina/cli/watch.ts';
import type { ExperimentView } from '@lamina/domain/contract/api.ts';
import { InvalidConfig } from '@lamina/platform/process/config.ts';
import { createLogger } from '@lamina/platform/process/logging.ts';
import { stopSignal, untilAborted } from '@lamina/platform/process/signals.ts';
import { parseArguments, type StartArguments, UsageError } from './arguments.ts';
import { startStandalone } from './compose.ts';
import { type Config, loadConfig } from './config.ts';
import { startFailure } from './failure.ts';
import { findRunning } from './running.ts';
import { readSubmission } from './submission.ts';

const QUICKSTART = fileURLToPath(new URL('../../../examples/quickstart.yaml', import.meta.url));
const STARTED_AT = 'LAMINA_STARTED_AT_MS';

const STOPPING = {
  local: 'Stopping: running trials save a checkpoint first.',
  kubernetes: 'Stopping; trials go on in the cluster.',
} as const;

interface Service {
  readonly url: string;
  /** Null where another process serves. */
  readonly close: (() => Promise<void>) | null;
}

async function main(args: StartArguments, config: Config, io: Io): Promise<number> {
  const startedAtMs = Number(io.env[STARTED_AT] ?? io.now());
  const service = await openService(config, io);
  try {
    const code = args.file === null ? 0 : await runDocument(args.file, args, service, io, startedAtMs);
    if (args.once || service.close === null || io.signal.aborted) return code;
    io.out(`\nThe dashboard is at ${service.url}. Ctrl-C stops; running trials are continued by the next start.\n`);
    await untilAborted(io.signal);
    return code;
  } finally {
    if (service.close !== null) {
      if (io.signal.aborted) io.err(`\n${STOPPING[config.runner.kind]}\n`);
      await service.close();
    }
  }
}

/** The service that serves the data directory already, or one of our own. */
async function openService(config: Config, io: Io): Promise<Service> {
  const running = findRunning(config.dataDirectory);
  if (running !== null) {
    io.out(`Lamina is running at ${running.url} already (process ${running.pid}).\n`);
    return { url: running.url, close: null };
  }
  const logs = join(config.dataDirectory, 'logs');
  mkdirSync(logs, { recursive: true });
  const logFile = join(logs, 'lamina.log');
  const log = createLogger({
    name: 'lamina',
    level: config.logLevel,
    destination: createWriteStream(logFile, { flags: 'a' }),
  });
  const from = io.now();
  const { url, timings, close } = await startStandalone(config, process.env, log);
  log.info({ url, seconds: timings }, 'serving');
  const parts = Object.entries(timings).map(([name, seconds]) => `${name} ${seconds.toFixed(1)} s`);
  io.out(
    `Lamina is at ${url}, started in ${duration((io.now() - from) / 1000)} (${parts.join(', ')}); log: ${logFile}\n`,
  );
  return { url, close };
}

async function runDocument(
  file: string,
  { seeds }: StartArguments,
  service: Service,
  io: Io,
  startedAtMs: number,
): Promise<number> {
  const client = createClient(service.url);
  const submitted = await client.submit(await readSubmission(file, seeds));
  const ended = await watchExperiment(client, submitted.id, io);
  if (io.signal.aborted) return exitCodeOf(ended);
  io.out('\n');
  printComparison(await client.comparison(submitted.id), io);
  io.out(`\n${closingLine(ended, (io.now() - startedAtMs) / 1000)}\n`);
  io.out(`Dashboard: ${service.url}\n`);
  return exitCodeOf(ended);
}

/** What was measured, what was taken over, what failed, and how long it took from the command to here. */
function closingLine({ counts, total }: ExperimentView, seconds: number): string {
  const reused = counts.reused ?? 0;
  const measured = (counts.succeeded ?? 0) + (counts.diverged ?? 0);
  const parts = [
    ...(measured > 0 || reused === 0 ? [`${measured} of ${total} trials measured`] : []),
    ...(reused > 0 ? [`${reused} of ${total} trials reused, for they have been measured before`] : []),
    ...((counts.failed ?? 0) > 0 ? [`${counts.failed} failed`] : []),
  ];
  return `${parts.join('; ')}. ${duration(seconds)} in all, set-up included.`;
}

const io = processIo(stopSignal());
let config: Config | null = null;
try {
  const args = parseArguments(process.argv.slice(2), QUICKSTART);
  config = loadConfig({ ...process.env, ...args.variables }, process.cwd());
  process.exitCode = await main(args, config, io);
} catch (error) {
  if (error instanceof UsageError || error instanceof InvalidConfig) {
    io.err(`${error.message}\n`);
    process.exitCode = 2;
  } else if (error instanceof CliError) {
    io.err(`${errorText(error, io.color, io.columns())}`);
    process.exitCode = error.exitCode;
  } else {
    io.err(`${config === null ? String(error) : startFailure(error, config)}\n`);
    process.exitCode = 1;
  }
}
