#!/usr/bin/env node
/** The worker as a process of its own, over Postgres and a Temporal server. Several may run. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '@lamina/platform/adapters/database/open.ts';
import { createExperimentStore } from '@lamina/platform/adapters/database/store.ts';
import { createDirectoryArtifactStore } from '@lamina/platform/adapters/directory-artifacts.ts';
import type { Cleanup } from '@lamina/platform/process/cleanup.ts';
import type { Logger } from '@lamina/platform/process/logging.ts';
import { endedAttemptsCounter } from '@lamina/platform/process/metrics.ts';
import { runService, type Started } from '@lamina/platform/process/run.ts';
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { Registry } from 'prom-client';
import { workflowBundle } from './bundle.ts';
import { type Config, loadConfig } from './config.ts';
import { serveHealth } from './health.ts';
import { keepInventory } from './inventory.ts';
import { quietTemporal } from './quiet-temporal.ts';
import { trainerEnvironment } from './runners/local/trainer.ts';
import { openRunner } from './runners/open.ts';
import { keepTuner } from './search/tuner.ts';
import { startWorker } from './worker.ts';

async function start(config: Config, log: Logger, cleanup: Cleanup): Promise<Started> {
  quietTemporal(log);
  const { artifacts: artifactRoot, dataDirectory, identity, eventsUrl, secret, temporal } = config;
  for (const folder of [artifactRoot, dataDirectory]) mkdirSync(folder, { recursive: true });
  const artifacts = createDirectoryArtifactStore(artifactRoot);
  const database = await openDatabase({ kind: 'postgres', url: config.database });
  cleanup.add('database', () => database.close());
  const store = createExperimentStore(database);
  const connection = await NativeConnection.connect({ address: temporal.address });
  cleanup.add('Temporal connection', () => connection.close());
  const client = new Client({ connection, namespace: temporal.namespace });

  const opened = await openRunner(config.runner, {
    artifacts,
    artifactRoot,
    dataDirectory,
    identity,
    env: process.env,
    deviceStore: async () => store,
    hubCache: config.hubCache,
    log,
  });
  cleanup.add('runner', () => opened.close(config.graceSeconds));
  await store.announce(opened.runnerFacts);
  const inventory = keepInventory(opened.inventory, store, log);
  cleanup.add('inventory', () => inventory.close());
  if (config.tuner !== null) {
    const tuner = keepTuner(
      {
        python: config.tuner.python,
        env: trainerEnvironment(config.tuner, process.env),
        temporal,
        storage: config.database,
        logFile: join(dataDirectory, 'logs', 'tuner.log'),
      },
      () => store.isSearching(),
      log,
    );
    cleanup.add('tuner', () => tuner.close());
  }
  // Building it takes seconds; it is kept between starts.
  const bundle = await workflowBundle(join(dataDirectory, 'cache'));
  const registry = new Registry();
  const ended = endedAttemptsCounter(registry);
  const worker = await startWorker({
    connection,
    client,
    namespace: temporal.namespace,
    store,
    artifacts,
    runner: opened.runner,
    trialPaths: opened.trialPaths,
    secret,
    eventsBaseUrl: eventsUrl,
    bundle,
    deployment: config.deployment,
    hubCache: config.hubCache,
    attemptEnded: (outcome) => ended.inc({ outcome }),
    log,
  });
  cleanup.add('worker', () => worker.close());
  const health = await serveHealth({
    ...config.health,
    registry,
    checks: {
      database: () => database.ping(),
      engine: () => client.workflowService.getSystemInfo({}),
      worker: async () => worker.check(),
    },
    requests: opened.requests,
    blocked: { store, known: () => worker.unwritten.size },
  });
  cleanup.add('health', () => health.close());
  log.info({ runner: opened.runner.name, identity, build: bundle.buildId, health: health.url }, 'working');
  return { failed: worker.failed };
}

process.exitCode = await runService('lamina-worker', () => loadConfig(process.env), start);
