/** Long-lived processes in a machine's namespaces, known by process id and start time across calls of this module. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { paths } from './layout.ts';
import { until } from './shell.ts';

export interface Component {
  /** Unique in the cluster; names its log. */
  readonly name: string;
  /** In whose namespaces it runs. */
  readonly machine: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

interface Recorded extends Component {
  readonly pid: number;
  /** Id of the command that entered the namespaces and waits for it. */
  readonly parent: number;
  /** Clock ticks after boot: tells a process from a later one of the same id. */
  readonly startedAt: string;
}

const recordFile = (name: string): string => join(paths.processes, `${name}.json`);
export const logFile = (name: string): string => join(paths.logs, `${name}.log`);

/** Starts the namespaces of a machine: its first process sets them up, and ends everything in them with itself. */
export async function startMachine(
  name: string,
  script: string,
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const namespaces = ['--mount', '--propagation', 'slave', '--net', '--pid', '--ipc', '--uts', '--mount-proc'];
  const pid = launch(name, 'unshare', [...namespaces, '--fork', '--kill-child', '--', 'bash', script], env);
  return record({ name, machine: name, command: ['bash', script] }, pid);
}

export async function start(component: Component): Promise<number> {
  const machine = pidOf(component.machine);
  if (machine === null) throw new Error(`machine ${component.machine} is not running`);
  const namespaces = ['-t', String(machine), '-m', '-n', '-p', '-i', '-u'];
  const pid = launch(component.name, 'nsenter', [...namespaces, '--', ...component.command], component.env ?? {});
  return record(component, pid);
}

function launch(name: string, command: string, args: readonly string[], env: Readonly<Record<string, string>>): number {
  mkdirSync(paths.logs, { recursive: true });
  const log = openSync(logFile(name), 'a');
  const child = spawn(command, args, {
    detached: true,
    cwd: '/',
    stdio: ['ignore', log, log],
    env: { ...process.env, ...env },
  });
  closeSync(log);
  child.unref();
  if (child.pid === undefined) throw new Error(`${command} did not start`);
  return child.pid;
}

/** Both unshare and nsenter fork: what is wanted is their child. */
async function record(component: Component, parent: number): Promise<number> {
  let pid = 0;
  await until(
    `start of ${component.name} (see ${logFile(component.name)})`,
    10,
    async () => {
      const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim();
      pid = Number(children.split(' ')[0]);
      return pid > 0;
    },
    10,
  );
  mkdirSync(paths.processes, { recursive: true });
  const recorded: Recorded = { ...component, pid, parent, startedAt: startOf(pid) ?? '' };
  writeFileSync(recordFile(component.name), JSON.stringify(recorded));
  return pid;
}

function recorded(name: string): Recorded | null {
  return existsSync(recordFile(name)) ? (JSON.parse(readFileSync(recordFile(name), 'utf8')) as Recorded) : null;
}

function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[19] ?? null;
  } catch {
    return null;
  }
}

/** Its process id on the host; null where it does not run. */
export function pidOf(name: string): number | null {
  const known = recorded(name);
  return known !== null && startOf(known.pid) === known.startedAt ? known.pid : null;
}

export const names = (): string[] =>
  existsSync(paths.processes) ? readdirSync(paths.processes).map((file) => file.replace(/\.json$/, '')) : [];

export function signal(name: string, which: NodeJS.Signals): boolean {
  const pid = pidOf(name);
  if (pid === null) return false;
  process.kill(pid, which);
  // nsenter stops itself when its child is stopped, and would then neither pass a signal on nor reap.
  if (which !== 'SIGSTOP') resume(name);
  return true;
}

function resume(name: string): void {
  try {
    const known = recorded(name);
    if (known !== null) process.kill(known.parent, 'SIGCONT');
  } catch {
    // It has ended.
  }
}

/** Ends it and waits until it is gone. */
export async function stop(name: string, which: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  signal(name, which);
  await until(`end of ${name}`, 30, async () => pidOf(name) === null, 20);
}

/** Starts it again as it was started last, with `extra` arguments. */
export async function restart(name: string, extra: readonly string[] = []): Promise<void> {
  const known = recorded(name);
  if (known === null) throw new Error(`${name} was never started`);
  await stop(name);
  const { machine, command, env } = known;
  await start({ name, machine, command: [...command, ...extra], ...(env === undefined ? {} : { env }) });
}

export const forgetAll = (): void => rmSync(paths.processes, { recursive: true, force: true });
