/** A trial over several pods: an Indexed Job whose processes find each other and compute what one would. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import { type TrialResult, trialResult } from '@lamina/domain/contract/result.ts';
import { fileDataset } from '@lamina/domain/contract/settings.ts';
import { sampleSettings } from '@lamina/domain/contract/testing/settings.ts';
import { jobManifest } from '@lamina/k8s/manifests/job.ts';
import { podsService, podsServiceName } from '@lamina/k8s/manifests/pods.ts';
import { sampleLaunch } from '@lamina/k8s/manifests/testing/launch.ts';
import { readKubernetesSettings } from '@lamina/k8s/settings/read.ts';
import type { KubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import { type Cluster, cluster, trainerInPods } from '../support/cluster.ts';
import { serveNames } from '../support/cluster-names.ts';
import { saveTinyModel } from '../support/tiny.ts';

const found = await cluster();
const skip = 'skip' in found ? found.skip : false;
const NAMESPACE = 'lamina-several-pods';
const USER = 65_532;

describe('a trial over several pods', { skip }, () => {
  const here = found as Cluster;
  const folder = mkdtempSync(join(tmpdir(), 'lamina-several-'));
  const artifacts = join(folder, 'artifacts');
  let names: { close(): Promise<void> } | null = null;

  before(async () => {
    await saveTinyModel(folder);
    // Pods run as a user of their own.
    execFileSync('chmod', ['-R', 'a+rX', folder]);
    mkdirSync(artifacts);
    chownSync(artifacts, USER, USER);
    writeFileSync(
      join(folder, 'resolv.conf'),
      `nameserver ${here.hostAddress}\nsearch ${NAMESPACE}.svc.cluster.local\n`,
    );
    await here.kubectl(['create', 'namespace', NAMESPACE]);
    names = await serveNames(here, NAMESPACE, podsServiceName('lamina'));
  });
  after(async () => {
    await here.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
    await names?.close();
    rmSync(folder, { recursive: true });
  });

  function settings(): KubernetesSettings {
    const { volumes, env, ...trainer } = trainerInPods([folder]);
    const read = readKubernetesSettings({
      ...trainer,
      namespace: NAMESPACE,
      artifacts: { source: { hostPath: artifacts } },
      volumes: [
        ...volumes,
        { name: 'names', mountPath: '/etc/resolv.conf', source: { hostPath: join(folder, 'resolv.conf') } },
      ],
      // GPUs of the test cluster are only counted.
      env: { ...env, LAMINA_CPU_PROCESSES: '1' },
      cpu: '100m',
      gpusPerPod: 1,
    });
    assert.ok(read.ok, JSON.stringify(read));
    return read.settings;
  }

  async function run(attempt: number, gpus: number): Promise<{ result: TrialResult; pods: V1Pod[] }> {
    const { request, ...launch } = sampleLaunch({ attempt, plan: { gpus, microBatch: 4 / gpus, accumulation: 1 } });
    const job = jobManifest(
      {
        ...launch,
        deadlineSeconds: 300,
        request: {
          ...request,
          resume: false,
          settings: sampleSettings({
            model: { source: 'path', path: join(folder, 'model'), fingerprint: null },
            dataset: fileDataset.parse({ source: 'file', path: join(folder, 'texts.jsonl'), format: 'jsonl' }),
            layers: { strategy: 'all' },
            precision: 'fp32',
            computeDtype: 'fp32',
            method: 'lora',
            lora: { r: 4, alpha: 8, dropout: 0, bias: 'none', targets: 'all-linear', rslora: false },
            training: { steps: 4, microBatch: 4, accumulation: 1, maxLength: 16, warmupMeasurements: 0 },
            evaluation: { fraction: 0.3, maxTokens: 128 },
            gpus,
          }),
          paths: {
            output: `/var/lib/lamina/artifacts/${attempt}`,
            checkpoints: `/var/lib/lamina/artifacts/c${attempt}`,
            cache: '/tmp/cache',
          },
          eventsUrl: null,
        },
      },
      settings(),
    );
    await here.apply(podsService(settings()), job);
    const name = job.metadata?.name ?? '';
    const at = ['-n', NAMESPACE];
    await here.kubectl([
      'wait',
      'job',
      name,
      ...at,
      '--for=jsonpath={.status.conditions[*].status}=True',
      '--timeout=280s',
    ]);
    const { status } = await here.kubectlJson<V1Job>('get', 'job', name, ...at);
    const log = readFileSync(join(artifacts, String(attempt), 'log.txt'), 'utf8');
    assert.ok(!status?.conditions?.some(({ type }) => type.startsWith('Fail')), log);
    const { items } = await here.kubectlJson<{ items: V1Pod[] }>('get', 'pods', ...at, '-l', `job-name=${name}`);
    const text = readFileSync(join(artifacts, String(attempt), 'result.json'), 'utf8');
    return { result: trialResult.parse(JSON.parse(text)), pods: items };
  }

  test('two pods train as one does', async () => {
    const [one, two] = await Promise.all([run(1, 1), run(2, 2)]);
    assert.equal(one.pods.length, 1);
    assert.deepEqual(two.pods.map(({ spec }) => spec?.hostname?.slice(-3)).toSorted(), ['2-0', '2-1']);
    const losses = ({ result }: typeof one) => [
      result.raw?.loss,
      result.trained?.loss,
      ...result.training.losses.map(({ loss }) => loss),
    ];
    const [alone, together] = [losses(one), losses(two)];
    assert.equal(together.length, alone.length);
    for (const [index, loss] of alone.entries()) {
      assert.ok(Math.abs(Number(loss) - Number(together[index])) < 1e-3, `${alone} and ${together}`);
    }
  });
});
