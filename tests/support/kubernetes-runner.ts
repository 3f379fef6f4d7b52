/** A KubernetesRunner over the test cluster whose pods run the fake trainer. */
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KubeConfig } from '@kubernetes/client-node';
import { type AttemptRef, attemptRef } from '@lamina/domain/contract/attempt.ts';
import type { AttemptLaunch } from '@lamina/domain/contract/runner.ts';
import { type ClusterClient, createClusterClient } from '@lamina/k8s/client/client.ts';
import type { RetryPolicy } from '@lamina/k8s/client/retry.ts';
import type { AttemptFiles } from '@lamina/k8s/runner/files.ts';
import { createKubernetesRunner, type KubernetesRunner } from '@lamina/k8s/runner/kubernetes-runner.ts';
import { type KubernetesSettings, kubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import { attemptFolder } from '@lamina/platform/application/ports/artifacts.ts';
import type { Behaviour, Limits } from '../conformance/runner.ts';
import { sampleRequest, sampleResult } from '../conformance/samples.ts';
import type { Cluster } from './cluster.ts';

const FAKE_TRAINER = fileURLToPath(new URL('../conformance/fake-trainer.sh', import.meta.url));

/** A namespace with a folder that its pods share; everything in it goes with `close`. */
export class FakeTrials {
  readonly cluster: Cluster;
  readonly folder = mkdtempSync(join(tmpdir(), 'lamina-pods-'));
  readonly settings: KubernetesSettings;
  readonly files: AttemptFiles;
  private readonly root = join(this.folder, 'artifacts');

  constructor(cluster: Cluster, more: Partial<KubernetesSettings> = {}) {
    this.cluster = cluster;
    chmodSync(this.folder, 0o755);
    mkdirSync(this.root);
    // Pods run as a user of their own.
    chmodSync(this.root, 0o777);
    mkdirSync(join(this.folder, 'fake'));
    writeFileSync(join(this.folder, 'fake', 'trainer.sh'), readFileSync(FAKE_TRAINER));
    this.settings = kubernetesSettings.parse({
      namespace: `lamina-test-${randomUUID().slice(0, 8)}`,
      image: cluster.images.busybox,
      imagePullPolicy: 'Never',
      command: ['/bin/sh', join(this.folder, 'fake', 'trainer.sh')],
      artifacts: { source: { hostPath: this.root }, mountPath: this.root },
      volumes: [
        {
          name: 'fake',
          mountPath: join(this.folder, 'fake'),
          source: { hostPath: join(this.folder, 'fake') },
        },
      ],
      env: { FAKE_RESULTS: join(this.folder, 'fake') },
      cpu: '10m',
      requestsPerSecond: 200,
      ...more,
    });
    const path = (ref: AttemptRef, name: string): string => join(this.attemptFolder(ref), name);
    this.files = {
      read: async (ref, name) => (existsSync(path(ref, name)) ? readFileSync(path(ref, name)) : null),
      has: async (ref, name) => existsSync(path(ref, name)),
      async write(ref, name, content) {
        mkdirSync(dirname(path(ref, name)), { recursive: true });
        writeFileSync(path(ref, name), content);
      },
    };
  }

  async open(): Promise<void> {
    await this.cluster.kubectl(['create', 'namespace', this.settings.namespace]);
  }

  async close(): Promise<void> {
    await this.cluster.kubectl(['delete', 'namespace', this.settings.namespace, '--wait=false']);
    // A pod that is being deleted may still write there.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  attemptFolder(ref: AttemptRef): string {
    return join(this.root, attemptFolder(ref));
  }

  /** `server`: where the API server is reached, in place of its own address. */
  client(server?: string, retry?: RetryPolicy): ClusterClient {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(this.cluster.kubeconfig);
    const [cluster] = kubeConfig.clusters;
    if (cluster === undefined) throw new Error('the kubeconfig names no cluster');
    if (server !== undefined) kubeConfig.clusters = [{ ...cluster, server, tlsServerName: 'kubernetes' }];
    return createClusterClient(kubeConfig, this.settings, quiet, retry);
  }

  runner(client: ClusterClient, identity: string = randomUUID()): KubernetesRunner {
    const { settings, files } = this;
    return createKubernetesRunner({ client, settings, artifacts: files, log: quiet, identity, leaseSeconds: 4 });
  }

  item(
    behaviour: Behaviour | { readonly kind: 'count'; readonly lines: number },
    limits: Partial<Limits> = {},
    experimentId = 'suite',
  ): AttemptLaunch {
    const trialId = randomUUID().replaceAll('-', '');
    const ids = attemptRef(experimentId, { trialId, attempt: 1 });
    const request = sampleRequest(ids);
    const ask = askOf(behaviour);
    const result = sampleResult(ids, behaviour.kind === 'diverge' ? 'diverged' : 'succeeded');
    writeFileSync(join(this.folder, 'fake', `${ids.attemptId}.json`), JSON.stringify(result));
    return {
      ...ids,
      request: {
        ...request,
        settings: { ...request.settings, model: { source: 'path', path: `fake:${ask}`, fingerprint: null } },
        paths: { ...request.paths, output: this.attemptFolder(ids) },
      },
      token: 'secret',
      deadlineSeconds: limits.deadlineSeconds ?? null,
      graceSeconds: limits.graceSeconds ?? 10,
    };
  }

  /** How many times the attempt's trainer has been started. */
  starts(ref: AttemptRef): number {
    return readFileSync(join(this.attemptFolder(ref), 'starts'), 'utf8')
      .trim()
      .split('\n').length;
  }
}

function askOf(behaviour: Behaviour | { readonly kind: 'count'; readonly lines: number }): string {
  if (behaviour.kind === 'exit') return `exit ${behaviour.code}`;
  return behaviour.kind === 'count' ? `count ${behaviour.lines}` : behaviour.kind;
}

const nothing = (): void => undefined;
const loud = (fields: object, message: string): void => {
  process.stderr.write(
    `${message} ${JSON.stringify(fields, (_, value) => (value instanceof Error ? value.message : value))}\n`,
  );
};
export const quiet =
  process.env['LAMINA_TEST_LOG'] === undefined
    ? { info: nothing, warn: nothing, error: nothing }
    : { info: loud, warn: loud, error: loud };

/** The cluster as somebody who has this token sees it. */
export function kubeConfigOf(here: Cluster, token: string): KubeConfig {
  const administrator = new KubeConfig();
  administrator.loadFromFile(here.kubeconfig);
  const server = administrator.getCurrentCluster();
  if (server === null) throw new Error(`${here.kubeconfig} names no cluster`);
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser(server, { name: 'worker', token });
  return kubeConfig;
}
