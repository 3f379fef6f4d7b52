#!/usr/bin/env node
/** The API as a process of its own, over Postgres and a Temporal server. */
import { existsSync } from 'node:fs';
import { openDatabase } from '@lamina/platform/adapters/database/open.ts';
import { createExperimentStore } from '@lamina/platform/adapters/database/store.ts';
import { createDirectoryArtifactStore } from '@lamina/platform/adapters/directory-artifacts.ts';
import { createTemporalExperimentControl } from '@lamina/platform/adapters/temporal/experiment-control.ts';
import type { Cleanup } from '@lamina/platform/process/cleanup.ts';
import type { Logger } from '@lamina/platform/process/logging.ts';
import { createMetrics } from '@lamina/platform/process/metrics.ts';
import { runService, type Started } from '@lamina/platform/process/run.ts';
import { Client, Connection } from '@temporalio/client';
import { buildApp } from './app.ts';
import { type Config, loadConfig } from './config.ts';
import { buildIntake } from './intake.ts';
import { listen } from './listen.ts';
import { resumeExperiments } from './resume.ts';

async function start(config: Config, log: Logger, cleanup: Cleanup): Promise<Started> {
  const database = await openDatabase({ kind: 'postgres', url: config.database });
  cleanup.add('database', () => database.close());
  const connection = await Connection.connect({ address: config.temporal.address });
  cleanup.add('Temporal connection', () => connection.close());
  const control = createTemporalExperimentControl(new Client({ connection, namespace: config.temporal.namespace }));
  const store = createExperimentStore(database);
  const metrics = createMetrics();
  const { secret, allowedHosts, webRoot, reportTemplate } = config;
  const app = await buildApp({
    store,
    artifacts: createDirectoryArtifactStore(config.artifacts),
    control,
    secret,
    webRoot: existsSync(webRoot) ? webRoot : null,
    reportTemplate: existsSync(reportTemplate) ? reportTemplate : null,
    log,
    metrics,
    defaults: { baseDirectory: config.baseDirectory, hubCache: config.hubCache },
    ...(allowedHosts === undefined ? {} : { allowedHosts }),
  });
  const api = await listen(app, config.listen);
  cleanup.add('API', () => api.close());
  if (config.intake !== null) {
    const intake = await listen(await buildIntake({ store, secret, metrics, log }), config.intake);
    cleanup.add('event intake', () => intake.close());
    log.info({ url: intake.url }, 'taking in events of pods');
  }
  await resumeExperiments(store, control, log);
  log.info({ url: api.url }, 'serving');
  return { failed: null };
}

process.exitCode = await runService('lamina-api', () => loadConfig(process.env, process.cwd()), start);
