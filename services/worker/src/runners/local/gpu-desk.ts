/** Hands out the GPUs of this machine: looks at them, remembers which are set aside, and asks the domain who may start. */
import type { Device, DeviceView, SetAside } from '@lamina/domain/contract/devices.ts';
import type { AttemptEnd, AttemptRequest } from '@lamina/domain/contract/runner.ts';
import { type Answer, allot } from '@lamina/domain/devices/allot.ts';
import { blamed, evidenceAgainst, isSetAside, setAsideAfter } from '@lamina/domain/devices/set-aside.ts';
import type { ClusterStore } from '@lamina/platform/application/ports/cluster-store.ts';
import type { WorkerLog } from '../../log.ts';
import type { GpuReport } from './gpu-listing.ts';

export type DeviceStore = Pick<ClusterStore, 'setDeviceAside' | 'devicesSetAside' | 'takeDeviceBack'>;

export interface GpuDeskOptions {
  readonly look: () => Promise<GpuReport>;
  /** What the first look found. */
  readonly found: GpuReport;
  readonly store: () => Promise<DeviceStore>;
  /** Memory that a request needs on each of its devices; null where that is not known. */
  readonly needOf: (request: AttemptRequest) => Promise<number | null>;
  readonly log: Pick<WorkerLog, 'info' | 'warn'>;
}

/** An attempt that waits for its GPUs. */
interface WaitingAttempt {
  readonly attemptId: string;
  readonly request: AttemptRequest;
}

export interface GpuDesk {
  /** Who may start, in the order of arrival. `held`: devices of attempts that are alive. Never rejects. */
  answers(held: ReadonlySet<string>, waiting: readonly WaitingAttempt[]): Promise<ReadonlyMap<string, Answer>>;
  /** After a GPU fault its devices are set aside; after a success their faults are forgotten. Never rejects. */
  ended(attemptId: string, devices: readonly string[], end: AttemptEnd): Promise<void>;
  /** `holders`: attempts by the device that they were given. */
  view(holders: ReadonlyMap<string, string>): Promise<{ report: GpuReport; devices: readonly DeviceView[] }>;
}

export function createGpuDesk({ look, found, store, needOf, log }: GpuDeskOptions): GpuDesk {
  const known = new Map(found.gpus.map((each) => [each.uuid, each]));
  let last: Promise<unknown> = Promise.resolve();

  /** One after the other: a fault is written down before the next attempt is given a device. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  }

  /** Devices that were there before and are not listed now stay, as broken ones. */
  async function devicesNow(): Promise<{ report: GpuReport; devices: readonly Device[] }> {
    const report = await look();
    if (report.problem !== null) throw new Error(report.problem);
    const listed = new Set(report.gpus.map(({ uuid }) => uuid));
    for (const each of report.gpus) known.set(each.uuid, each);
    const gone = [...known.values()].filter(({ uuid }) => !listed.has(uuid));
    return { report, devices: [...report.gpus, ...gone.map(lost)] };
  }

  async function setAsideNow(): Promise<readonly SetAside[]> {
    const all = await (await store()).devicesSetAside();
    return all.filter((each) => known.has(each.device) && isSetAside(each, Date.now()));
  }

  async function settle(attemptId: string, devices: readonly string[], end: AttemptEnd): Promise<void> {
    const own = (await (await store()).devicesSetAside()).filter((each) => devices.includes(each.device));
    if (end.outcome === 'succeeded') {
      for (const each of own) await (await store()).takeDeviceBack(each.device);
    }
    if (end.outcome !== 'gpu-fault') return;
    const now = await devicesNow().catch(() => null);
    const evidence = new Map(
      devices.map((uuid) => [
        uuid,
        now === null ? null : evidenceAgainst(now.devices.find((one) => one.uuid === uuid)),
      ]),
    );
    for (const uuid of blamed(devices, evidence)) {
      const fault = {
        device: uuid,
        attemptId,
        atMs: Date.now(),
        message: end.message,
        evidence: evidence.get(uuid) ?? null,
      };
      const setAside = setAsideAfter(fault, own.find((each) => each.device === uuid) ?? null);
      await (await store()).setDeviceAside(setAside);
      log.warn(setAside, 'a GPU is set aside after a fault');
    }
  }

  return {
    answers: (held, waiting) =>
      inTurn(async () => {
        try {
          const [{ devices }, aside] = [await devicesNow(), await setAsideNow()];
          const requests = await Promise.all(
            waiting.map(async ({ attemptId, request }) => ({
              attemptId,
              plan: request.plan,
              needBytes: await needOf(request),
            })),
          );
          return allot(
            { devices, held, setAside: new Map(aside.map((each) => [each.device, sentence(each)])) },
            requests,
          );
        } catch (error) {
          log.warn({ err: error }, 'the GPUs of this machine cannot be listed; attempts wait');
          const text = `The GPUs of this machine cannot be listed: ${error instanceof Error ? error.message : String(error)}`;
          const reason = { kind: 'misconfigured', text } as const;
          return new Map(waiting.map(({ attemptId }) => [attemptId, { kind: 'wait', reason, watch: true } as const]));
        }
      }),
    ended: (attemptId, devices, end) =>
      inTurn(() => settle(attemptId, devices, end)).catch((error: unknown) =>
        log.warn({ err: error, attemptId, devices }, 'what an attempt says of its GPUs could not be kept'),
      ),
    view: (holders) =>
      inTurn(async () => {
        const [{ report, devices }, aside] = [await devicesNow(), await setAsideNow()];
        return {
          report,
          devices: devices.map((each) => ({
            ...each,
            attemptId: holders.get(each.uuid) ?? null,
            setAside: aside.find((one) => one.device === each.uuid) ?? null,
          })),
        };
      }),
  };
}

function lost(each: Device): Device {
  return { ...each, freeBytes: null, processes: [], problem: 'the driver does not list the GPU any more' };
}

function sentence({ reason, until }: SetAside): string {
  return `${reason.slice(0, 200)}; ${until === null ? '`lamina gpus --take-back` gives it attempts again' : `until ${until}`}`;
}
