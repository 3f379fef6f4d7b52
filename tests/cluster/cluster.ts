/** Brings the cluster up and down, and says how it is. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { binaries, build, findGo, isBuilt, NO_GO } from './build.ts';
import { apiServer, controllerManager, etcd, scheduler, writeControlPlaneFiles } from './control-plane.ts';
import { apiServerAnswers, heal } from './faults.ts';
import { makeImages } from './images.ts';
import { advertiseUntilKept, isReady, kubectl } from './kubectl.ts';
import {
  CONTROL,
  FOLDERS,
  type GpuNode,
  IMAGES,
  type Machine,
  machineFolder,
  NETWORK,
  NODES,
  paths,
} from './layout.ts';
import { containerd, kubelet, makeCgroups, proxy, removeCgroups, socketOf, writeNodeFiles } from './node.ts';
import { makePki } from './pki.ts';
import { forgetAll, names, pidOf, signal, start, startMachine } from './processes.ts';
import { run, type Say, succeeds, until } from './shell.ts';

/** Debian's packages with what the cluster runs on. */
const PACKAGES =
  'containerd runc containernetworking-plugins iptables conntrack iproute2 busybox-static openssl util-linux';
const COMMANDS = ['containerd', 'ctr', 'runc', 'iptables', 'conntrack', 'ip', 'openssl', 'unshare', 'nsenter'];

/** Why no cluster can run here; null where one can. */
export async function obstacle(): Promise<string | null> {
  if (process.platform !== 'linux') return 'the test cluster needs Linux';
  if (process.getuid?.() !== 0) return 'the test cluster needs root';
  const missing: string[] = [];
  for (const command of COMMANDS) if (!(await succeeds('which', [command]))) missing.push(command);
  for (const file of ['/usr/lib/cni/bridge', '/bin/busybox']) if (!existsSync(file)) missing.push(file);
  if (missing.length > 0) return `${missing.join(', ')} missing: apt-get install -y ${PACKAGES}`;
  const namespaces = ['--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--mount-proc'];
  if (!(await succeeds('unshare', [...namespaces, 'true']))) return 'namespaces cannot be made here';
  const memory = '/sys/fs/cgroup/memory';
  if (!existsSync(memory) && !existsSync('/sys/fs/cgroup/cgroup.controllers')) return 'no cgroups are mounted';
  if (!isBuilt() && (await findGo()) === null) return NO_GO;
  return null;
}

/** Its machines are there, whatever fault is being made in them at the moment. */
export function stands(): boolean {
  const containers = NODES.flatMap((node) => [node.name, containerd(node).name]);
  return [CONTROL.name, etcd.name, ...containers].every((name) => pidOf(name) !== null);
}

function isWhole(): boolean {
  const control = [apiServer, controllerManager, scheduler].map(({ name }) => name);
  return stands() && [...control, ...NODES.map((node) => kubelet(node).name)].every((name) => pidOf(name) !== null);
}

/** Does nothing where it is up already; where a fault was left in it, the fault is taken back. */
export async function up(say: Say): Promise<void> {
  const reason = await obstacle();
  if (reason !== null) throw new Error(reason);
  if (isWhole()) return apiServerAnswers();
  if (stands()) return heal();
  await build(say);
  if (names().length > 0 || existsSync(FOLDERS.state)) {
    say('  … ending what is left of an earlier cluster');
    await down();
  }
  const from = performance.now();
  const reached = (what: string): void => say(`  ✓ ${what} (${((performance.now() - from) / 1000).toFixed(1)} s)`);
  mkdirSync(FOLDERS.state, { recursive: true, mode: 0o700 });
  const [archives] = await Promise.all([makeImages(), makePki()]);
  writeControlPlaneFiles();
  for (const node of NODES) writeNodeFiles(node);
  reached('images and certificates');

  const control = await machine(CONTROL, true);
  await connect('host', control, null);
  await run('ip', ['addr', 'add', `${NETWORK.host}/${NETWORK.prefix}`, 'dev', NETWORK.interface]);
  await run('ip', ['link', 'set', NETWORK.interface, 'up']);
  for (const { podRange, address } of NODES)
    await run('ip', ['route', 'replace', podRange, 'via', address, 'dev', NETWORK.interface]);
  await Promise.all(NODES.map((node) => nodeMachine(node, control, archives)));
  reached('machines');

  await start(etcd);
  await start(apiServer);
  await apiServerAnswers();
  reached('API server');
  await Promise.all([controllerManager, scheduler].map((each) => start(each)));
  await Promise.all(
    NODES.map(async (node) => {
      await start(kubelet(node));
      await start(proxy(node));
      await until(`node ${node.name}`, 120, () => isReady(node));
      await advertiseUntilKept(node);
    }),
  );
  await until('service account', 60, () => kubectl(['get', 'serviceaccount', 'default']).then(() => true));
  reached(`nodes ${NODES.map((node) => node.name).join(', ')}`);
}

async function machine(which: Machine, isControl: boolean): Promise<number> {
  const folder = machineFolder(which.name);
  mkdirSync(folder, { recursive: true });
  const others = NODES.filter((node) => node.name !== which.name);
  const pid = await startMachine(which.name, join(FOLDERS.source, 'machine.sh'), {
    MACHINE: which.name,
    FOLDER: folder,
    ADDRESS: which.address,
    PREFIX: String(NETWORK.prefix),
    HOST: NETWORK.host,
    ROUTES: others.map(({ podRange, address }) => `${podRange} ${address}`).join('\n'),
    BRIDGE: isControl ? '1' : '0',
  });
  if (isControl) await ready(which);
  return pid;
}

const ready = (which: Machine): Promise<void> =>
  until(`machine ${which.name}`, 20, async () => existsSync(join(machineFolder(which.name), 'ready')), 20);

/** A cable from the bridge to a machine, or to the host. */
async function connect(port: string, control: number, to: number | null): Promise<void> {
  const end = to === null ? [NETWORK.interface] : ['eth0', 'netns', String(to)];
  await run('ip', [
    'link',
    'add',
    'name',
    end[0] as string,
    ...netns(to),
    'type',
    'veth',
    'peer',
    'name',
    port,
    'netns',
    String(control),
  ]);
  const inside = ['-t', String(control), '-n', 'ip', 'link', 'set', port];
  await run('nsenter', [...inside, 'master', 'eth0']);
  await run('nsenter', [...inside, 'up']);
}

const netns = (pid: number | null): string[] => (pid === null ? [] : ['netns', String(pid)]);

async function nodeMachine(node: GpuNode, control: number, archives: readonly string[]): Promise<void> {
  makeCgroups(node);
  await connect(node.name, control, await machine(node, false));
  await ready(node);
  await start(containerd(node));
  const ctr = (...args: string[]) => run('ctr', ['-a', socketOf(node), '-n', 'k8s.io', ...args]);
  await until(`containerd of ${node.name}`, 30, () => ctr('version').then(() => true));
  for (const archive of archives) await ctr('images', 'import', archive);
  // Else the kubelet's garbage collection may remove it, and there is nowhere to pull it from.
  for (const image of Object.values(IMAGES)) await ctr('images', 'label', image, 'io.cri-containerd.pinned=pinned');
}

export async function down(): Promise<void> {
  const order = [...NODES.map((node) => node.name), CONTROL.name];
  for (const name of names().filter((each) => !order.includes(each))) signal(name, 'SIGKILL');
  for (const name of order) signal(name, 'SIGKILL');
  await until('end of all processes', 30, async () => names().every((name) => pidOf(name) === null));
  forgetAll();
  await succeeds('ip', ['link', 'del', NETWORK.interface]);
  if (!existsSync(FOLDERS.state)) return;
  // Mounts go with their namespace, which may take a moment longer than its processes.
  await until('removal of the state', 30, async () => {
    removeCgroups();
    rmSync(FOLDERS.state, { recursive: true, force: true });
    return !existsSync(FOLDERS.state);
  });
}

export interface Status {
  readonly up: boolean;
  /** Why none can run here. */
  readonly obstacle: string | null;
  readonly built: boolean;
  readonly binaries: string;
  readonly kubeconfig: string;
  readonly nodes: readonly string[];
  /** The host as pods reach it. */
  readonly hostAddress: string;
  readonly images: typeof IMAGES;
  readonly logs: string;
  /** Process ids on the host by component; null where it does not run. */
  readonly components: Readonly<Record<string, number | null>>;
}

export async function status(): Promise<Status> {
  const control = [CONTROL, etcd, apiServer, controllerManager, scheduler];
  const expected = [...control, ...NODES.flatMap((node) => [node, containerd(node), kubelet(node), proxy(node)])].map(
    ({ name }) => name,
  );
  return {
    up: stands(),
    obstacle: await obstacle(),
    built: isBuilt(),
    binaries,
    kubeconfig: paths.kubeconfig,
    nodes: NODES.map((node) => node.name),
    hostAddress: NETWORK.host,
    images: IMAGES,
    logs: paths.logs,
    components: Object.fromEntries([...new Set([...expected, ...names()])].map((name) => [name, pidOf(name)])),
  };
}
