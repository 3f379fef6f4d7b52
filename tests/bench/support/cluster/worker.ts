/** Entry of the worker's process: everything that a worker is, and its memory and requests measured. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AttemptRef } from '@lamina/domain/contract/attempt.ts';
import type { AttemptFiles } from '@lamina/k8s/runner/files.ts';
import { createKubernetesRunner } from '@lamina/k8s/runner/kubernetes-runner.ts';
import type { KubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import { openDatabase } from '@lamina/platform/adapters/database/open.ts';
import { createExperimentStore } from '@lamina/platform/adapters/database/store.ts';
import { createDirectoryArtifactStore } from '@lamina/platform/adapters/directory-artifacts.ts';
import { attemptFolder } from '@lamina/platform/application/ports/artifacts.ts';
import { workflowBundle } from '@lamina/worker/bundle.ts';
import { localTrialPaths } from '@lamina/worker/trial-paths.ts';
import { startWorker } from '@lamina/worker/worker.ts';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { quiet } from '../../../support/kubernetes-runner.ts';
import { farmClient } from './farm.ts';

export interface WorkerSetup {
  readonly temporal: string;
  readonly url: string;
  readonly kubeconfig: string;
  readonly settings: KubernetesSettings;
  readonly artifactRoot: string;
}

export interface WorkerFigures {
  /** The most that was resident, bytes. */
  readonly peakRssBytes: number;
  /** Resident before the first trial, bytes. */
  readonly idleRssBytes: number;
  readonly cpuSeconds: number;
  /** To the API server, by verb and resource. */
  readonly requests: Readonly<Record<string, number>>;
}

const send = (message: object | string): unknown => process.send?.(message);

process.once('message', (setup) => {
  void run(setup as WorkerSetup).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.exit(1);
  });
});

async function run({ temporal, url, kubeconfig, settings, artifactRoot }: WorkerSetup): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const database = await openDatabase({ kind: 'postgres', url });
  const store = createExperimentStore(database);
  const artifacts = createDirectoryArtifactStore(artifactRoot);
  const client = farmClient(kubeconfig, settings);
  const identity = `bench-${process.pid}`;
  const runner = createKubernetesRunner({ client, settings, artifacts: filesIn(artifactRoot), log: quiet, identity });
  const connection = await NativeConnection.connect({ address: temporal });
  const temporalClient = new Client({ connection: await Connection.connect({ address: temporal }) });
  const worker = await startWorker({
    connection,
    client: temporalClient,
    namespace: 'default',
    store,
    artifacts,
    runner,
    trialPaths: localTrialPaths(artifacts),
    secret: 'secret',
    eventsBaseUrl: null,
    bundle: await workflowBundle(join(tmpdir(), 'lamina-bundles')),
    deployment: null,
    log: quiet,
  });
  send('ready');
  const idleRssBytes = process.memoryUsage.rss();
  await new Promise((resolve) => process.once('message', resolve));
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const figures: WorkerFigures = {
    peakRssBytes: maxRSS * 1024,
    idleRssBytes,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    requests: Object.fromEntries(client.requests),
  };
  send(figures);
  await worker.close();
  await runner.close();
  process.exit(0);
}

function filesIn(root: string): AttemptFiles {
  const path = (ref: AttemptRef, name: string): string => join(root, attemptFolder(ref), name);
  return {
    read: async (ref, name) => (existsSync(path(ref, name)) ? readFileSync(path(ref, name)) : null),
    has: async (ref, name) => existsSync(path(ref, name)),
    async write(ref, name, content) {
      mkdirSync(dirname(path(ref, name)), { recursive: true });
      writeFileSync(path(ref, name), content);
    },
  };
}
