/** The all-in-one process: database, Temporal, artifacts, runner, worker, API and dashboard over one folder. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildApp } from '@lamina/api/app.ts';
import { buildIntake } from '@lamina/api/intake.ts';
import { listen } from '@lamina/api/listen.ts';
import { resumeExperiments } from '@lamina/api/resume.ts';
import { lockDirectory } from '@lamina/platform/adapters/database/lock.ts';
import { openDatabase } from '@lamina/platform/adapters/database/open.ts';
import { createExperimentStore } from '@lamina/platform/adapters/database/store.ts';
import { createDirectoryArtifactStore } from '@lamina/platform/adapters/directory-artifacts.ts';
import { createTemporalExperimentControl } from '@lamina/platform/adapters/temporal/experiment-control.ts';
import { createTraceProcess } from '@lamina/platform/adapters/trace-process.ts';
import { Cleanup } from '@lamina/platform/process/cleanup.ts';
import type { Logger } from '@lamina/platform/process/logging.ts';
import { createMetrics, endedAttemptsCounter } from '@lamina/platform/process/metrics.ts';
import { installationSecret } from '@lamina/platform/process/secret.ts';
import { workflowBundle } from '@lamina/worker/bundle.ts';
import { keepInventory } from '@lamina/worker/inventory.ts';
import { quietTemporal } from '@lamina/worker/quiet-temporal.ts';
import { writeJson } from '@lamina/worker/runners/local/files.ts';
import { identify } from '@lamina/worker/runners/local/processes.ts';
import { trainerEnvironment } from '@lamina/worker/runners/local/trainer.ts';
import { openRunner } from '@lamina/worker/runners/open.ts';
import { keepTuner } from '@lamina/worker/search/tuner.ts';
import { startWorker } from '@lamina/worker/worker.ts';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { Config } from './config.ts';
import { serverFile } from './running.ts';
import { startTemporalServer } from './temporal-server.ts';
import { Timings } from './timings.ts';

export interface Standalone {
  readonly url: string;
  /** Seconds that each part of the start took. */
  readonly timings: Readonly<Record<string, number>>;
  /** Trials of this machine save a checkpoint and end, so that the next start continues them; then everything closes. */
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
  const artifactRoot = config.artifacts;
  mkdirSync(artifactRoot, { recursive: true });
  const artifacts = createDirectoryArtifactStore(artifactRoot);

  const opening = timings
    .measure('database', openDatabase({ kind: 'pglite', dataDir: join(data, 'database') }))
    .then((opened) => {
      cleanup.add('database', () => opened.close());
      return createExperimentStore(opened);
    });
  const [store, temporal, opened, bundle] = await settled([
    opening,
    timings
      .measure('Temporal', startTemporalServer({ executable: config.temporal, folder: join(data, 'temporal') }))
      .then((started) => {
        cleanup.add('Temporal', () => started.stop());
        return started;
      }),
    timings.measure(
      'runner',
      openRunner(config.runner, {
        artifacts,
        artifactRoot,
        dataDirectory: data,
        identity: 'standalone',
        env,
        deviceStore: () => opening,
        hubCache: config.hubCache,
        log,
      }),
    ),
    // Building it takes seconds, the first time.
    timings.measure('workflow bundle', workflowBundle(join(data, 'cache'))),
  ]);

  await store.announce(opened.runnerFacts);
  const connection = await Connection.connect({ address: temporal.address });
  cleanup.add('client connection', () => connection.close());
  const client = new Client({ connection, namespace: temporal.namespace });
  const control = createTemporalExperimentControl(client);

  const metrics = createMetrics();
  const ended = endedAttemptsCounter(metrics.registry);
  const tracer =
    config.tuner === null
      ? null
      : createTraceProcess({
          python: config.tuner.python,
          env: trainerEnvironment(config.tuner, env),
          cache: join(data, 'cache', 'traces'),
          revision: opened.runnerFacts.trainerRevision,
          log,
        });
  if (tracer !== null) cleanup.add('tracer', () => tracer.close());
  const app = await timings.measure(
    'API',
    buildApp({
      store,
      artifacts,
      control,
      tracer,
      secret,
      webRoot: existsSync(config.webRoot) ? config.webRoot : null,
      reportTemplate: existsSync(config.reportTemplate) ? config.reportTemplate : null,
      log,
      metrics,
      defaults: { baseDirectory: config.baseDirectory, hubCache: config.hubCache },
    }),
  );
  const api = await listen(app, { host: '127.0.0.1', port: config.port });
  cleanup.add('API', () => api.close());
  if (config.intake !== null) {
    const intake = await listen(await buildIntake({ store, secret, metrics, log }), config.intake);
    cleanup.add('event intake', () => intake.close());
    log.info({ url: intake.url, reachedAt: config.eventsUrl }, 'taking in events of pods');
  }

  // After the API: trials that save a checkpoint on closing still report to it.
  cleanup.add('runner', () => opened.close(config.graceSeconds));
  const inventory = keepInventory(opened.inventory, store, log);
  cleanup.add('inventory', () => inventory.close());

  // It is needed until the worker has ended.
  if (config.tuner !== null) {
    const { address, namespace } = temporal;
    const tuner = keepTuner(
      {
        python: config.tuner.python,
        env: trainerEnvironment(config.tuner, env),
        temporal: { address, namespace },
        storage: join(data, 'studies'),
        logFile: join(data, 'logs', 'tuner.log'),
      },
      () => store.isSearching(),
      log,
    );
    cleanup.add('tuner', () => tuner.close());
  }
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
      runner: opened.runner,
      trialPaths: opened.trialPaths,
      secret,
      eventsBaseUrl: config.runner.kind === 'local' ? api.url : config.eventsUrl,
      bundle,
      // One worker, replaced in place: there is no other that could finish the runs of an earlier build.
      deployment: null,
      hubCache: config.hubCache,
      attemptEnded: (outcome) => ended.inc({ outcome }),
      log,
    }),
  );
  cleanup.add('worker', () => worker.close());

  await timings.measure('resume', resumeExperiments(store, control, log));
  writeJson(serverFile(data), { ...identify(process.pid), url: api.url });
  cleanup.add('address', () => rmSync(serverFile(data), { force: true }));
  return api.url;
}

/** Like Promise.all, but waits for all, so that what has been opened can be closed. */
async function settled<T extends readonly Promise<unknown>[]>(
  promises: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises) as Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>;
}
