/** The all-in-one process: database, Temporal, artifacts, local runner, worker, API and dashboard over one folder. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildApp } from '@lamina/api/app.ts';
import type { ExperimentControl } from '@lamina/platform/control.ts';
import { lockDirectory } from '@lamina/platform/database/lock.ts';
import { openDatabase } from '@lamina/platform/database/open.ts';
import { createExperimentStore } from '@lamina/platform/database/store.ts';
import { createDirectoryArtifactStore } from '@lamina/platform/directory-artifacts.ts';
import type { Logger } from '@lamina/platform/logging.ts';
import { createMetrics } from '@lamina/platform/metrics.ts';
import type { ExperimentStore } from '@lamina/platform/store.ts';
import { createTemporalExperimentControl } from '@lamina/platform/temporal/experiment-control.ts';
import { workflowBundle } from '@lamina/worker/bundle.ts';
import { writeJson } from '@lamina/worker/runners/local/files.ts';
import { createLocalRunner } from '@lamina/worker/runners/local/local-runner.ts';
import { identify } from '@lamina/worker/runners/local/processes.ts';
import { startWorker } from '@lamina/worker/worker.ts';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { Cleanup } from './cleanup.ts';
import type { Config } from './config.ts';
import { serverFile } from './running.ts';
import { installationSecret } from './secret.ts';
import { startTemporalServer } from './temporal-server.ts';
import { Timings } from './timings.ts';
import { askTrainer, createLauncher, trainerEnvironment } from './trainer.ts';

/** How long a connection may outlive the streams when the service closes. */
const CLIENTS_MS = 500;

export interface Standalone {
  readonly url: string;
  /** Seconds that each part of the start took. */
  readonly timings: Readonly<Record<string, number>>;
  /** Running trials save a checkpoint and end, so that the next start continues them; then everything closes. */
  close(): Promise<void>;
}

/** @throws DirectoryLocked when another process serves the data directory */
export async function startStandalone(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  log: Logger,
): Promise<Standalone> {
  const timings = new Timings();
  const cleanup = new Cleanup(log);
  quietTemporal(log);
  try {
    mkdirSync(config.dataDirectory, { recursive: true });
    const lock = lockDirectory(config.dataDirectory);
    cleanup.add('lock', () => lock.release());
    const url = await start(config, env, log, timings, cleanup);
    return { url, timings: timings.seconds(), close: () => cleanup.run() };
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

async function start(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  log: Logger,
  timings: Timings,
  cleanup: Cleanup,
): Promise<string> {
  const data = config.dataDirectory;
  const secret = installationSecret(join(data, 'secret'));
  const artifactRoot = join(data, 'artifacts');
  const artifacts = createDirectoryArtifactStore(artifactRoot);
  const trainerEnv = trainerEnvironment(config, env);

  const bundleCache = join(data, 'cache');
  const [database, temporal, trainer] = await settled([
    timings.measure('database', openDatabase({ kind: 'pglite', dataDir: join(data, 'database') })).then((opened) => {
      cleanup.add('database', () => opened.close());
      return opened;
    }),
    timings
      .measure('Temporal', startTemporalServer({ executable: config.temporal, folder: join(data, 'temporal') }))
      .then((started) => {
        cleanup.add('Temporal', () => started.stop());
        return started;
      }),
    timings.measure('trainer', askTrainer(config, trainerEnv)),
    // Building it takes seconds the first time; the worker then finds it.
    timings.measure('workflow bundle', workflowBundle(bundleCache)),
  ]);

  const store = createExperimentStore(database);
  const connection = await Connection.connect({ address: temporal.address });
  cleanup.add('client connection', () => connection.close());
  const client = new Client({ connection, namespace: temporal.namespace });
  const control = createTemporalExperimentControl(client);

  const app = await timings.measure(
    'API',
    buildApp({
      store,
      artifacts,
      control,
      secret,
      device: trainer.device,
      trainerRevision: trainer.revision,
      webRoot: existsSync(config.webRoot) ? config.webRoot : null,
      reportTemplate: existsSync(config.reportTemplate) ? config.reportTemplate : null,
      log,
      metrics: createMetrics(),
      defaults: {
        baseDirectory: config.baseDirectory,
        hubCache: config.hubCache,
      },
    }),
  );
  const url = await app.listen({ host: '127.0.0.1', port: config.port });
  cleanup.add('API', async () => {
    // Streams end by themselves; what then still holds a connection is a client that keeps it for later.
    const limit = setTimeout(() => app.server.closeAllConnections(), CLIENTS_MS);
    await app.close();
    clearTimeout(limit);
  });

  const launcher = createLauncher(config, trainerEnv, trainer.revision);
  const runner = createLocalRunner({ root: artifactRoot, launcher, log });
  cleanup.add('runner', async () => {
    await runner.shutdown(config.graceSeconds);
    await runner.close();
    await launcher.close();
  });

  const nativeConnection = await NativeConnection.connect({ address: temporal.address });
  cleanup.add('worker connection', () => nativeConnection.close());
  const worker = await timings.measure(
    'worker',
    startWorker({
      connection: nativeConnection,
      client,
      namespace: temporal.namespace,
      store,
      artifacts,
      runner,
      secret,
      eventsBaseUrl: url,
      trainerCache: config.trainer.cache,
      bundleCache,
      log,
    }),
  );
  cleanup.add('worker', () => worker.close());

  await timings.measure('resume', resumeExperiments(store, control, log));
  writeJson(serverFile(data), { ...identify(process.pid), url });
  cleanup.add('address', () => rmSync(serverFile(data), { force: true }));
  return url;
}

/** Its workers' lines go into our log, and signals are ours: by default Temporal stops its workers at a SIGTERM. */
function quietTemporal(log: Logger): void {
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) => {
    if (level === 'ERROR') log.error({ ...meta }, message);
    else log.warn({ ...meta }, message);
  });
  Runtime.install({ logger, shutdownSignals: [] });
}

/** Whatever was running when the last process ended goes on; starting a run that is there changes nothing. */
async function resumeExperiments(store: ExperimentStore, control: ExperimentControl, log: Logger): Promise<void> {
  for (const state of ['pending', 'running', 'paused', 'cancelling'] as const) {
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<ExperimentStore['listExperiments']>> = await store.listExperiments({
        limit: 100,
        cursor,
        state,
      });
      for (const experiment of page.items) {
        log.info({ experimentId: experiment.id, state }, 'experiment goes on');
        await control.start(experiment.id);
      }
      cursor = page.nextCursor;
    } while (cursor !== null);
  }
}

/** Like Promise.all, but waits for all, so that what has been opened can be closed. */
async function settled<T extends readonly Promise<unknown>[]>(
  promises: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises) as Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>;
}
