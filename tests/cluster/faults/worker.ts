/** Entry of a worker's process, which can be killed at the worst moment. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobRunner } from '@lamina/domain/contract/runner.ts';
import type { KubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import { openDatabase } from '@lamina/platform/adapters/database/open.ts';
import { createExperimentStore } from '@lamina/platform/adapters/database/store.ts';
import { createDirectoryArtifactStore } from '@lamina/platform/adapters/directory-artifacts.ts';
import { workflowBundle } from '@lamina/worker/bundle.ts';
import { openKubernetesRunner } from '@lamina/worker/runners/kubernetes/open.ts';
import { startWorker } from '@lamina/worker/worker.ts';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { quiet as log } from '../../support/kubernetes-runner.ts';

export interface WorkerSetup {
  readonly temporal: string;
  readonly database: string;
  readonly kubeconfig: string;
  readonly settings: KubernetesSettings;
}

export type WorkerOrder =
  | { readonly do: 'start'; readonly setup: WorkerSetup }
  /** Dies when the Jobs of this experiment's next launch are made and nobody has been told. */
  | { readonly do: 'die-after-launch'; readonly experimentId: string }
  | { readonly do: 'close' };

let doomed: string | null = null;
const closing = Promise.withResolvers<true>();

process.on('message', (order: WorkerOrder) => {
  if (order.do === 'start') {
    run(order.setup).catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
      process.exit(1);
    });
  } else if (order.do === 'die-after-launch') doomed = order.experimentId;
  else closing.resolve(true);
});

async function run({ temporal, database: url, kubeconfig, settings }: WorkerSetup): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const store = createExperimentStore(await openDatabase({ kind: 'postgres', url }));
  const artifactRoot = settings.artifacts.mountPath;
  const artifacts = createDirectoryArtifactStore(artifactRoot);
  const identity = `faults-${process.pid}`;
  const opened = openKubernetesRunner({
    ...{ settings, kubeconfig, artifacts, artifactRoot, identity, log },
    trainerRevision: 'faults',
  });
  const worker = await startWorker({
    connection: await NativeConnection.connect({ address: temporal }),
    client: new Client({ connection: await Connection.connect({ address: temporal }) }),
    namespace: 'default',
    store,
    artifacts,
    runner: mortal(opened.runner),
    // Nothing is an input here: paths say what shall happen.
    trialPaths: { ...opened.trialPaths, input: (path) => path },
    secret: 'secret',
    // Nobody listens there: silence counts.
    eventsBaseUrl: 'http://127.0.0.1:9',
    bundle: await workflowBundle(join(tmpdir(), 'lamina-bundles')),
    deployment: null,
    log,
  });
  process.send?.('ready');
  await closing.promise;
  await worker.close();
  await opened.close(0);
  process.exit(0);
}

function mortal(runner: JobRunner): JobRunner {
  return {
    ...runner,
    async launch(items) {
      const launched = await runner.launch(items);
      if (items.some(({ experimentId }) => experimentId === doomed)) process.kill(process.pid, 'SIGKILL');
      return launched;
    },
  };
}
