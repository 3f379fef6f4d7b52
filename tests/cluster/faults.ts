/** What can go wrong in a cluster, done on purpose. */
import { spawn } from 'node:child_process';
import { apiServer, controllerManager, scheduler } from './control-plane.ts';
import { advertise, advertiseUntilKept, isReady, kubectl } from './kubectl.ts';
import { CONTROL, NODES, nodeNamed } from './layout.ts';
import { kubelet } from './node.ts';
import { pidOf, restart, signal, start, stop } from './processes.ts';
import { run, until } from './shell.ts';

/** The kubelet dies; containers go on running and nobody watches them, as where a node hangs. */
export async function stopKubelet(node: string): Promise<void> {
  await stop(kubelet(nodeNamed(node)).name);
}

/** Starts it where it does not run, and waits until the node is ready and advertises its GPUs again. */
export async function startKubelet(node: string): Promise<void> {
  const known = nodeNamed(node);
  const since = Date.now() - 1000;
  if (pidOf(kubelet(known).name) === null) await start(kubelet(known));
  await until(`node ${node}`, 90, () => isReady(known, Math.floor(since / 1000) * 1000), 250);
  await advertiseUntilKept(known);
}

/** The API server answers nobody for a while, its connections stay open; ends by itself even where the caller dies. */
export async function pauseApiServer(seconds: number): Promise<void> {
  if (!signal(apiServer.name, 'SIGSTOP')) throw new Error('the API server does not run');
  const end = `import(${JSON.stringify(import.meta.url)}).then((faults) => faults.resumeApiServer())`;
  const script = `setTimeout(() => ${end}, ${seconds * 1000})`;
  const child = spawn(process.execPath, ['--eval', script], { detached: true, stdio: 'ignore' });
  child.unref();
  await new Promise((resolve) => child.once('exit', resolve));
  await apiServerAnswers();
}

/** @public by name: the process that ends a pause calls it */
export const resumeApiServer = (): boolean => signal(apiServer.name, 'SIGCONT');

/** The API server is gone for a while: connections are refused. */
export async function stopApiServer(seconds: number): Promise<void> {
  await stop(apiServer.name);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  await restart(apiServer.name);
  await apiServerAnswers();
}

/** Every connection to the API server is reset, also those of controllers and kubelets; it is back at once. */
export async function cutWatches(): Promise<void> {
  const control = pidOf(CONTROL.name);
  await run('nsenter', ['-t', String(control), '-n', 'ss', '--kill', 'state', 'established', 'sport', '=', ':6443']);
}

export const apiServerAnswers = (): Promise<void> =>
  until('API server', 120, () => kubectl(['get', '--raw', '/readyz']).then(() => true), 250);

/** `kubectl drain`; `uncordon` takes it back. */
export async function drain(node: string): Promise<void> {
  const options = ['--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=60s', '--grace-period=5'];
  await kubectl(['drain', node, ...options]);
}

export const cordon = (node: string): Promise<string> => kubectl(['cordon', node]);
export const uncordon = (node: string): Promise<string> => kubectl(['uncordon', node]);

/** Through the Eviction API, as cluster autoscalers and drains do. */
export async function evict(namespace: string, pod: string): Promise<void> {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace } };
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/eviction`;
  await kubectl(['create', '--raw', path, '-f', '-'], JSON.stringify(eviction));
}

export async function deleteJob(namespace: string, job: string): Promise<void> {
  await kubectl(['delete', 'job', job, '-n', namespace, '--wait=false', '--ignore-not-found']);
}

/** The node's GPUs are gone, as where a device plugin finds them unhealthy. */
export const unadvertise = (node: string): Promise<void> => advertise(nodeNamed(node), 0);
export const advertiseAgain = (node: string): Promise<void> => advertise(nodeNamed(node));

/** Takes every fault back: whatever a test left behind. */
export async function heal(): Promise<void> {
  if (!resumeApiServer()) await restart(apiServer.name);
  for (const { name } of [controllerManager, scheduler]) if (pidOf(name) === null) await restart(name);
  await apiServerAnswers();
  for (const { name } of NODES) {
    await startKubelet(name);
    await uncordon(name);
  }
}
