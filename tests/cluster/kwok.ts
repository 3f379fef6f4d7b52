/** KWOK: nodes and pods that exist in the API alone, by the hundred. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { binary } from './build.ts';
import { apply, kubectl, kubectlJson } from './kubectl.ts';
import { CONTROL, FOLDERS, type GpuNode, machineFolder, NODES, paths } from './layout.ts';
import { type Component, pidOf, start, stop } from './processes.ts';
import { until } from './shell.ts';

const FAKE = 'lamina.test/fake';
const TAINT = { key: FAKE, value: 'true', effect: 'NoSchedule' };
/** What pods that may run on fake nodes must tolerate: real pods stay on real nodes. */
export const FAKE_TOLERATION = { key: FAKE, operator: 'Exists', effect: 'NoSchedule' } as const;
/** What pods that must run on fake nodes select. */
export const FAKE_SELECTOR = { [FAKE]: 'true' } as const;

const folder = join(machineFolder(CONTROL.name), 'kwok');
const stages = join(folder, 'stages.yaml');

function component(leaseSeconds: number): Component {
  return {
    name: 'kwok',
    machine: CONTROL.name,
    command: [
      binary('kwok'),
      `--kubeconfig=${paths.kubeconfig}`,
      `--config=${stages}`,
      `--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake`,
      `--node-ip=${CONTROL.address}`,
      '--cidr=10.244.0.0/16',
      `--node-lease-duration-seconds=${leaseSeconds}`,
    ],
  };
}

/** @param leaseSeconds of the fake nodes, renewed four times as often: long ones save requests where there are many nodes */
export async function startKwok(leaseSeconds = 40): Promise<void> {
  if (pidOf('kwok') !== null) return;
  mkdirSync(folder, { recursive: true });
  const shipped = readdirSync(binary('kwok-stages')).filter((file) => file !== 'pod-complete.yaml');
  const files = [
    ...shipped.map((file) => join(binary('kwok-stages'), file)),
    join(FOLDERS.source, 'pod-complete.yaml'),
  ];
  writeFileSync(stages, files.map((file) => readFileSync(file, 'utf8')).join('\n---\n'));
  await start(component(leaseSeconds));
}

export async function stopKwok(): Promise<void> {
  await removeFakeNodes();
  await stop('kwok');
}

/** Adds nodes until there are `count`; they announce the GPUs of `like`, eight each. */
export async function addFakeNodes(count: number, gpus = 8, like: GpuNode = NODES[1] as GpuNode): Promise<void> {
  const resources = { cpu: '128', memory: '1024Gi', pods: '250', 'nvidia.com/gpu': String(gpus) };
  const nodes = Array.from({ length: count }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: `fake-${String(index).padStart(4, '0')}`,
      annotations: { 'kwok.x-k8s.io/node': 'fake' },
      labels: {
        ...like.labels,
        [FAKE]: 'true',
        'nvidia.com/gpu.count': String(gpus),
        'kubernetes.io/hostname': `fake-${String(index).padStart(4, '0')}`,
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/os': 'linux',
      },
    },
    spec: { taints: [TAINT] },
    status: { capacity: resources, allocatable: resources },
  }));
  await apply(...nodes);
  await until(`${count} fake nodes`, 120, async () => (await readyFakeNodes()) >= count, 500);
}

async function readyFakeNodes(): Promise<number> {
  const { items } = await kubectlJson<{ items: { status: { conditions?: { type: string; status: string }[] } }[] }>(
    'get',
    'nodes',
    '-l',
    `${FAKE}=true`,
  );
  const isReady = (each: { type: string; status: string }): boolean => each.type === 'Ready' && each.status === 'True';
  return items.filter(({ status }) => status.conditions?.some(isReady)).length;
}

export async function removeFakeNodes(): Promise<void> {
  await kubectl(['delete', 'nodes', '-l', `${FAKE}=true`, '--wait=false']);
}
