/** Identity and signals of processes that may outlive us: a process id alone can be somebody else's by now. */
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot: with the boot id it tells a process from a later one of the same id. */
  readonly startTicks: number;
}

interface Stat {
  readonly state: string;
  readonly startTicks: number;
}

function statOf(pid: number): Stat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The command's name may hold spaces and parentheses: fields are counted after the last ')'.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const startTicks = Number(fields[19]);
  return Number.isInteger(startTicks) ? { state: fields[0] ?? '', startTicks } : null;
}

/** Null where there is no such process. */
export function identify(pid: number): ProcessIdentity | null {
  const stat = statOf(pid);
  return stat === null ? null : { pid, startTicks: stat.startTicks };
}

/** False for a zombie: it has ended, and its parent has not waited for it yet. */
export function isAlive(identity: ProcessIdentity): boolean {
  const stat = statOf(identity.pid);
  return stat !== null && stat.startTicks === identity.startTicks && stat.state !== 'Z' && stat.state !== 'X';
}

/** Signals the process group that the process leads; an ended one is ignored. */
export function signalGroup(identity: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(-identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Changes with every boot of the machine; null where the kernel does not say. */
export function bootId(): string | null {
  return readText('/proc/sys/kernel/random/boot_id');
}

/** How many processes the kernel has killed because memory ran out, since boot; null where the kernel does not say. */
export function outOfMemoryKills(): number | null {
  const line = readText('/proc/vmstat')
    ?.split('\n')
    .find((each) => each.startsWith('oom_kill '));
  return line === undefined ? null : Number(line.split(' ')[1]);
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}
