/** The reviewed manifests against a real API server, and what a Job does that the manifests rely on. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import { LABELS, TRAINER_CONTAINER } from '@lamina/k8s/labels.ts';
import { jobManifest } from '@lamina/k8s/manifests/job.ts';
import { readGolden } from '@lamina/k8s/manifests/testing/golden.ts';
import { sampleLaunch } from '@lamina/k8s/manifests/testing/launch.ts';
import { readKubernetesSettings } from '@lamina/k8s/settings/read.ts';
import { parse } from 'yaml';
import { cluster } from '../support/cluster.ts';

const found = await cluster();
const skip = 'skip' in found ? found.skip : false;

/** A Job as its file has it. */
interface Manifest {
  readonly metadata: object;
  readonly spec: { readonly template: { readonly metadata: object; readonly spec: object } };
}

const RESTRICTED = 'lamina-manifests';
const OPEN = 'lamina-manifests-paths';
/** Needs a namespace that lets pods have paths of the node. */
const WITH_PATHS = 'paths-of-the-node.yaml';

before(async () => {
  if ('skip' in found) return;
  await found.apply(
    namespace(RESTRICTED, 'restricted'),
    namespace(OPEN, 'privileged'),
    // What manifests refer to and the API server looks up.
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'trainer', namespace: RESTRICTED } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: RESTRICTED } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: OPEN } },
    { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'research' }, value: 1000 },
    { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'nvidia' }, handler: 'nvidia' },
  );
});

after(async () => {
  if ('skip' in found) return;
  await found.kubectl(['delete', 'namespace', RESTRICTED, OPEN, '--wait=false']);
  await found.kubectl(['delete', 'priorityclass', 'research']);
  await found.kubectl(['delete', 'runtimeclass', 'nvidia']);
});

for (const [file, text] of readGolden()) {
  test(`${file}: the API server accepts the Job and the pod, every field known`, { skip }, async () => {
    const job = parse(text) as Manifest;
    const namespace = file === WITH_PATHS ? OPEN : RESTRICTED;
    await dryRun({ ...job, metadata: { ...job.metadata, namespace } });
    await dryRun(podOf(job, namespace));
  });
}

test('a namespace that enforces the restricted profile refuses paths of the node, and nothing else', {
  skip,
}, async () => {
  const job = parse(readGolden().get(WITH_PATHS) ?? '') as Manifest;
  await assert.rejects(dryRun(podOf(job, RESTRICTED)), (error: Error) => {
    const violations = /violates PodSecurity "[^"]+": (.*)/.exec(error.message)?.[1] ?? error.message;
    assert.match(violations, /restricted volume types \(volumes "artifacts", "cache", "python" use/);
    assert.doesNotMatch(violations, /privilege|capabilities|runAsNonRoot|seccomp/);
    return true;
  });
});

test('a field that does not exist is noticed', { skip }, async () => {
  const job = parse(readGolden().get('one-gpu.yaml') ?? '') as Manifest;
  const broken = { ...job, metadata: { ...job.metadata, namespace: RESTRICTED }, spec: { ...job.spec, tll: 1 } };
  await assert.rejects(dryRun(broken), /unknown field "spec.tll"/);
});

test('the container sees the request as it was sent, and may write where it has to', { skip }, async () => {
  const launch = sampleLaunch({ plan: { gpus: 0 }, launch: { token: 'a $(HOME) $$ b' } });
  const script = [
    'for d in /tmp /home/lamina /dev/shm "$HOME"; do touch $d/x || exit 9; done',
    'touch /x 2>/dev/null && exit 8',
    'echo "$LAMINA_ATTEMPT_TOKEN|$LAMINA_POD_NAME|$LAMINA_NODE_NAME|$(id -u)" > /dev/termination-log',
    'test "$(echo "$LAMINA_REQUEST" | wc -c)" -gt 1000 || exit 7',
  ];
  const { job, pod } = await ended(await start(launch, script.join('\n'), 'sees'));
  const said = pod.status?.containerStatuses?.[0]?.state?.terminated;
  assert.equal(said?.exitCode, 0, JSON.stringify(pod.status));
  assert.equal(said?.message, `a $(HOME) $$ b|${pod.metadata?.name}|${pod.spec?.nodeName}|65532\n`);
  assert.equal(job.status?.conditions?.at(-1)?.type, 'Complete');
});

test('a Job ends with its first pod, and its condition names the exit code', { skip }, async () => {
  const { job, pods } = await ended(await start(sampleLaunch({ plan: { gpus: 0 } }), 'exit 65', 'exits'));
  assert.equal(pods, 1);
  const failed = job.status?.conditions?.find(({ type }) => type === 'Failed');
  assert.equal(failed?.reason, 'PodFailurePolicy');
  assert.match(failed?.message ?? '', /Container trainer for pod \S+ failed with exit code 65 matching FailJob rule/);
});

test('nodes are excluded by their names, several at once', { skip }, async () => {
  assert.ok(!('skip' in found));
  const [last = '', ...others] = found.nodes.toReversed();
  const launch = sampleLaunch({ plan: { gpus: 0, excludedNodes: [...others, 'a-node.that.is-gone'] } });
  const { pod } = await ended(await start(launch, 'exit 0', 'avoids'));
  assert.equal(pod.spec?.nodeName, last);
});

test('a product that a node announces is a class', { skip }, async () => {
  const launch = sampleLaunch({ plan: { gpus: 2, gpuClass: 'NVIDIA-H100-80GB-HBM3' } });
  const { pod } = await ended(await start(launch, 'exit 0', 'product'));
  assert.equal(pod.spec?.nodeName, 'node2');
});

function namespace(name: string, profile: string): object {
  const labels = {
    'pod-security.kubernetes.io/enforce': profile,
    'pod-security.kubernetes.io/enforce-version': 'latest',
  };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

async function dryRun(object: object): Promise<void> {
  assert.ok(!('skip' in found));
  await found.kubectl(['create', '--dry-run=server', '--validate=strict', '-f', '-'], JSON.stringify(object));
}

/** The Job controller would make it; only pods are held against the profile. */
function podOf(job: Manifest, namespace: string): object {
  const { metadata, spec } = job.spec.template;
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'pod', namespace }, spec };
}

/** Runs a script in place of the trainer; the namespace holds paths of the node, as there is no storage class. */
async function start(launch: ReturnType<typeof sampleLaunch>, script: string, name: string): Promise<string> {
  assert.ok(!('skip' in found));
  const read = readKubernetesSettings({
    namespace: OPEN,
    image: found.images.busybox,
    imagePullPolicy: 'Never',
    command: ['sh', '-c', script],
    artifacts: { source: { hostPath: '/tmp' } },
    cpu: '10m',
  });
  assert.ok(read.ok, JSON.stringify(read));
  const job = jobManifest(launch, read.settings);
  assert.equal(job.spec?.template.spec?.containers[0]?.name, TRAINER_CONTAINER);
  Object.assign(job.metadata ?? {}, { name });
  await found.apply(job);
  return name;
}

async function ended(name: string): Promise<{ job: V1Job; pod: V1Pod; pods: number }> {
  assert.ok(!('skip' in found));
  const at = ['-n', OPEN];
  // Both end with a condition; which one is what the tests look at.
  await found.kubectl([
    'wait',
    'job',
    name,
    ...at,
    '--for=jsonpath={.status.conditions[*].status}=True',
    '--timeout=90s',
  ]);
  const job = await found.kubectlJson<V1Job>('get', 'job', name, ...at);
  const { items } = await found.kubectlJson<{ items: V1Pod[] }>('get', 'pods', ...at, '-l', `job-name=${name}`);
  const [pod] = items;
  assert.ok(pod, `${name} has no pod`);
  assert.equal(pod.metadata?.labels?.[LABELS.contentHash], job.metadata?.labels?.[LABELS.contentHash]);
  return { job, pod, pods: items.length };
}
