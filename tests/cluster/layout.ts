/** Names, addresses and folders of the test cluster; one cluster a user and machine. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lamina');

export const FOLDERS = {
  source: fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, ''),
  cache: CACHE,
  /** State of the running cluster; gone when it is down. Short, as sockets below it may have 108 characters. */
  state: join(CACHE, 'cluster-run'),
} as const;

export const paths = {
  pki: join(FOLDERS.state, 'pki'),
  kubeconfigs: join(FOLDERS.state, 'kubeconfig'),
  /** The administrator's: what tests and people use. */
  kubeconfig: join(FOLDERS.state, 'kubeconfig/admin'),
  logs: join(FOLDERS.state, 'log'),
  processes: join(FOLDERS.state, 'processes'),
  images: join(FOLDERS.state, 'images'),
} as const;

/**
 * A machine is a set of Linux namespaces: mounts, network, processes, IPC, host name. They sit on one bridge inside the
 * control machine, so that neither the host's sysctls nor its firewall matter.
 */
export interface Machine {
  readonly name: string;
  readonly address: string;
  /** Address range of its pods; null where it runs none. */
  readonly podRange: string | null;
}

export interface GpuNode extends Machine {
  readonly podRange: string;
  readonly gpus: number;
  /** What GPU feature discovery would say. */
  readonly labels: Readonly<Record<string, string>>;
}

const gpuLabels = (product: string, memoryMib: number, count: number, capability: readonly [number, number]) => ({
  'nvidia.com/gpu.present': 'true',
  'nvidia.com/gpu.product': product,
  'nvidia.com/gpu.memory': String(memoryMib),
  'nvidia.com/gpu.count': String(count),
  'nvidia.com/gpu.compute.major': String(capability[0]),
  'nvidia.com/gpu.compute.minor': String(capability[1]),
});

export const NETWORK = {
  interface: 'lamina-test0',
  /** The host as pods and nodes reach it: what the event intake listens on. */
  host: '10.79.0.1',
  prefix: 24,
  pods: '10.89.0.0/16',
  services: '10.97.0.0/16',
  /** First address of `services`: the API server as pods see it. */
  apiService: '10.97.0.1',
} as const;

export const CONTROL: Machine = { name: 'control', address: '10.79.0.10', podRange: null };

export const NODES: readonly GpuNode[] = [
  {
    name: 'node1',
    address: '10.79.0.11',
    podRange: '10.89.1.0/24',
    gpus: 4,
    labels: gpuLabels('NVIDIA-A100-SXM4-40GB', 40_960, 4, [8, 0]),
  },
  {
    name: 'node2',
    address: '10.79.0.12',
    podRange: '10.89.2.0/24',
    gpus: 4,
    labels: gpuLabels('NVIDIA-H100-80GB-HBM3', 81_559, 4, [9, 0]),
  },
];

export const API_SERVER = `https://${CONTROL.address}:6443`;

export const IMAGES = {
  pause: 'lamina.test/pause:1',
  busybox: 'lamina.test/busybox:1',
  /** Mount points and a user: the interpreter and the trainer come in as volumes. */
  trainer: 'lamina.test/trainer:1',
} as const;

/** Folder of a machine's own state. */
export const machineFolder = (machine: string): string => join(FOLDERS.state, machine);
/** Parent of a node's pods in every cgroup hierarchy. */
export const cgroupOf = (node: string): string => `/lamina-cluster/${node}`;

export function nodeNamed(name: string): GpuNode {
  const node = NODES.find((each) => each.name === name);
  if (node === undefined) throw new Error(`no node ${name}; there are ${NODES.map((each) => each.name).join(', ')}`);
  return node;
}
