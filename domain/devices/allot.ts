/**
 * Which attempts may start on which devices. Pure.
 *
 * Attempts are served in the order of their arrival. One that could start as soon as attempts before it end keeps the
 * devices that are free for it, so that smaller ones that come later cannot pass it for ever. One that waits for what
 * nobody here controls (processes of others, a broken GPU) keeps nothing.
 */

import type { Device } from '../contract/devices.ts';
import type { PendingReason } from '../contract/pending.ts';
import type { Plan } from '../contract/trial.ts';

/** An attempt that waits for devices. */
export interface DeviceRequest {
  readonly attemptId: string;
  readonly plan: Pick<Plan, 'gpus' | 'gpuClass' | 'excludedNodes'>;
  /** Memory that it is estimated to need on each device; null where that is not known. */
  readonly needBytes: number | null;
}

export interface Machine {
  readonly devices: readonly Device[];
  /** Devices of attempts that are alive. */
  readonly held: ReadonlySet<string>;
  /** Why a device gets no attempt now. */
  readonly setAside: ReadonlyMap<string, string>;
}

export type Answer =
  | { readonly kind: 'start'; readonly devices: readonly string[] }
  /** `watch`: a device that it could have may come free without an attempt's end. */
  | { readonly kind: 'wait'; readonly reason: PendingReason; readonly watch: boolean }
  /** No device that this machine has, free or not, will do. */
  | { readonly kind: 'never'; readonly message: string };

/** A device with this much of its memory free is as good as free: drivers and desktops hold the rest. */
const AS_GOOD_AS_FREE = 0.9;

/** In the order of the requests. */
export function allot(machine: Machine, requests: readonly DeviceRequest[]): ReadonlyMap<string, Answer> {
  const taken = new Set(machine.held);
  const answers = new Map<string, Answer>();
  for (const request of requests) {
    const groups = groupsFor(machine, request, taken);
    const ready = groups.find(({ free }) => free.length >= request.plan.gpus);
    if (ready !== undefined) {
      const devices = ready.free.slice(0, request.plan.gpus);
      for (const device of devices) taken.add(device.uuid);
      answers.set(request.attemptId, { kind: 'start', devices: devices.map(({ uuid }) => uuid) });
      continue;
    }
    const soon = groups.find(({ free, busy }) => free.length + busy.length >= request.plan.gpus);
    for (const device of soon?.free ?? []) taken.add(device.uuid);
    answers.set(request.attemptId, waitOf(machine, request, groups, soon !== undefined, answers));
  }
  return answers;
}

/** Devices of one class that a request can have, by what keeps them from it. */
interface Group {
  /** Best first. */
  readonly free: readonly Device[];
  /** Given to attempts that run, or kept for one that comes first. */
  readonly busy: readonly Device[];
  readonly foreign: readonly Device[];
  readonly out: readonly Device[];
}

/** Several GPUs of one trial are of one class, and slices do not work together (NCCL refuses them). */
function groupsFor(machine: Machine, request: DeviceRequest, taken: ReadonlySet<string>): readonly Group[] {
  const { gpus, gpuClass } = request.plan;
  const named = machine.devices.filter(({ name }) => gpuClass === null || name === gpuClass);
  const able = gpus > 1 ? named.filter(({ mig }) => mig === null) : named;
  const classes = gpus > 1 ? [...Map.groupBy(able, ({ name }) => name).values()] : [able];
  return classes.filter(({ length }) => length >= gpus).map((devices) => groupOf(machine, request, taken, devices));
}

function groupOf(
  { setAside }: Machine,
  request: DeviceRequest,
  taken: ReadonlySet<string>,
  devices: readonly Device[],
): Group {
  const { gpus, excludedNodes } = request.plan;
  const others = devices.filter(({ uuid }) => !excludedNodes.includes(uuid));
  // A device that an attempt of the trial failed on gets another one only where the trial could not go on without.
  const willing = others.length >= gpus ? others : devices;
  const isOut = ({ uuid, problem }: Device) => problem !== null || setAside.has(uuid);
  const out = willing.filter(isOut);
  const sound = willing.filter((device) => !isOut(device));
  const idle = sound.filter(({ uuid }) => !taken.has(uuid));
  return {
    free: idle.filter((device) => hasRoom(device, request.needBytes)).toSorted(byWorth(excludedNodes)),
    busy: sound.filter(({ uuid }) => taken.has(uuid)),
    foreign: idle.filter((device) => !hasRoom(device, request.needBytes)),
    out,
  };
}

/**
 * Whether others leave enough of a device free; without an estimate, nearly all of it. A need above what the device has
 * is not waited for: the attempt is told by the device that it does not fit.
 */
export function hasRoom({ memoryBytes, freeBytes }: Device, needBytes: number | null): boolean {
  if (memoryBytes === null || freeBytes === null) return true;
  return freeBytes >= Math.min(needBytes ?? Number.POSITIVE_INFINITY, AS_GOOD_AS_FREE * memoryBytes);
}

function byWorth(excluded: readonly string[]) {
  const worth = ({ uuid, memoryBytes, freeBytes }: Device): number =>
    (excluded.includes(uuid) ? 2 : 0) + ((freeBytes ?? 1) >= AS_GOOD_AS_FREE * (memoryBytes ?? 1) ? 0 : 1);
  return (a: Device, b: Device): number => worth(a) - worth(b);
}

function waitOf(
  { devices, setAside }: Machine,
  { plan }: DeviceRequest,
  groups: readonly Group[],
  soon: boolean,
  before: ReadonlyMap<string, Answer>,
): Answer {
  const { gpus, gpuClass } = plan;
  const what = `${gpus === 1 ? 'a GPU' : `${gpus} GPUs`}${gpuClass === null ? '' : ` of class ${gpuClass}`}`;
  if (groups.length === 0) {
    const whole = devices.filter(({ name, mig }) => (gpuClass === null || name === gpuClass) && (gpus === 1 || !mig));
    const most = Math.max(0, ...[...Map.groupBy(whole, ({ name }) => name).values()].map(({ length }) => length));
    const kind = gpus > 1 ? ' of one kind' : '';
    return { kind: 'never', message: `The trial asks for ${what}${kind}; this machine has ${most}.` };
  }
  const foreign = groups.flatMap((group) => group.foreign).map(holdersOf);
  const out = groups.flatMap((group) => group.out).map((device) => outOf(device, setAside));
  if (soon) {
    const ahead = [...before.values()].filter(({ kind }) => kind === 'wait').length;
    const text = `Waits for ${what} that other trials use.`;
    const reason = { kind: 'queued', text, position: ahead + 1 } as const;
    return { kind: 'wait', reason, watch: foreign.length + out.length > 0 };
  }
  return {
    kind: 'wait',
    reason: { kind: 'unschedulable', text: `Waits for ${what}. ${[...foreign, ...out].join(' ')}` },
    watch: true,
  };
}

/** Who holds memory of a device, in a sentence. */
function holdersOf({ index, memoryBytes, freeBytes, processes }: Device): string {
  const free = `${gib(freeBytes)} of ${gib(memoryBytes)} are free`;
  const holders = processes.map(({ pid, name }) => `${name ?? 'process'} ${pid}`).slice(0, 3);
  return `GPU ${index}: ${free}${holders.length === 0 ? '' : `, ${holders.join(', ')} hold${holders.length === 1 ? 's' : ''} memory`}.`;
}

function outOf({ index, uuid, problem }: Device, setAside: ReadonlyMap<string, string>): string {
  return `GPU ${index}: ${problem ?? `set aside (${setAside.get(uuid) ?? 'no reason given'})`}.`;
}

function gib(bytes: number | null): string {
  return bytes === null ? '?' : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
