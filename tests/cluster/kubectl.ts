/** kubectl as the cluster's administrator. */
import { binary } from './build.ts';
import { type GpuNode, paths } from './layout.ts';
import { run, until } from './shell.ts';

const EXTENDED = 'nvidia.com~1gpu';

export function kubectl(args: readonly string[], input?: string): Promise<string> {
  const options = { env: { KUBECONFIG: paths.kubeconfig } };
  return run(binary('kubectl'), args, input === undefined ? options : { ...options, input });
}

export async function kubectlJson<T>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl([...args, '-o', 'json'])) as T;
}

export async function apply(...objects: readonly object[]): Promise<void> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], list);
}

/** What of a node this module reads. */
interface NodeStatus {
  readonly status: {
    readonly conditions?: readonly { type: string; status: string; lastHeartbeatTime: string }[];
    readonly allocatable?: Readonly<Record<string, string>>;
  };
}

/** Sets the number of GPUs that the node advertises, and its labels. */
export async function advertise(node: GpuNode, gpus: number = node.gpus): Promise<void> {
  const paths = [`/status/capacity/${EXTENDED}`, `/status/allocatable/${EXTENDED}`];
  const patch = JSON.stringify(paths.map((path) => ({ op: 'add', path, value: String(gpus) })));
  await kubectl(['patch', 'node', node.name, '--subresource=status', '--type=json', '-p', patch]);
  const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`);
  await kubectl(['label', 'node', node.name, '--overwrite', ...labels]);
}

export async function isReady(node: GpuNode, since = 0): Promise<boolean> {
  const { status } = await kubectlJson<NodeStatus>('get', 'node', node.name);
  const ready = status.conditions?.find((each) => each.type === 'Ready');
  return ready?.status === 'True' && Date.parse(ready.lastHeartbeatTime) >= since;
}

/** A kubelet that starts sets resources it does not know to 0, once: say it until it stays. */
export async function advertiseUntilKept(node: GpuNode): Promise<void> {
  let kept = 0;
  await until(`GPUs of ${node.name}`, 30, async () => {
    const { status } = await kubectlJson<NodeStatus>('get', 'node', node.name);
    kept = status.allocatable?.['nvidia.com/gpu'] === String(node.gpus) ? kept + 1 : 0;
    if (kept === 0) await advertise(node);
    return kept >= 3;
  });
}
