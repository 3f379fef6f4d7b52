/** One of several workers holds a Lease; another takes it when the holder has not renewed it for its duration. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterClient, ClusterLog } from '../client/client.ts';
import { isClusterError } from '../client/errors.ts';
import { LEASES, type Lease, type LeaseSpec } from '../client/resources.ts';

export interface LeaderOptions {
  readonly client: ClusterClient;
  readonly lease: string;
  readonly identity: string;
  /** Whole seconds. */
  readonly durationSeconds: number;
  readonly log: ClusterLog;
  /** Called when leadership begins. */
  onLead(): void;
}

export interface Leadership {
  /** By the clock: true only while the lease cannot have run out, whatever the network does. */
  leads(): boolean;
  /** Gives the lease back, so that another need not wait. */
  close(): Promise<void>;
}

/** A cluster that does not answer is not waited for. */
const GIVE_BACK_MS = 2_000;

export function startElection(options: LeaderOptions): Leadership {
  const { client, lease: name, identity, durationSeconds, log, onLead } = options;
  const durationMs = durationSeconds * 1000;
  const closing = new AbortController();
  let held: Lease | null = null;
  let leadsUntilMs = 0;
  /** The holder's last sign of life as this process saw it: clocks of other machines are not trusted. */
  let observed = { sign: '', atMs: 0 };
  const leads = (): boolean => performance.now() < leadsUntilMs;
  const running = run();

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      const askedMs = performance.now();
      const led = leads();
      try {
        held = await (held === null ? acquire() : renew(held));
      } catch (error) {
        held = null;
        if (isClusterError(error, 'conflict')) leadsUntilMs = 0;
        if (closing.signal.aborted) break;
        if (!isClusterError(error, 'conflict', 'already-exists')) log.warn({ err: error, lease: name }, 'no lease');
      }
      if (held !== null) {
        leadsUntilMs = askedMs + durationMs * 0.9;
        if (!led) {
          log.info({ lease: name, identity }, 'this worker leads now');
          onLead();
        }
      }
      const waitMs = (durationMs / 3) * (0.9 + Math.random() / 5);
      await sleep(waitMs, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }

  async function acquire(): Promise<Lease | null> {
    let found: Lease;
    try {
      found = await client.get(LEASES, name);
    } catch (error) {
      if (!isClusterError(error, 'not-found')) throw error;
      return client.create(LEASES, { metadata: { name }, spec: specOf(0) });
    }
    const { holderIdentity, renewTime, leaseTransitions, leaseDurationSeconds } = found.spec ?? {};
    const sign = `${holderIdentity} ${renewTime}`;
    if (sign !== observed.sign) observed = { sign, atMs: performance.now() };
    const free = holderIdentity === undefined || holderIdentity === '' || holderIdentity === identity;
    const lapsed = performance.now() - observed.atMs > (leaseDurationSeconds ?? durationSeconds) * 1000;
    if (!free && !lapsed) return null;
    return client.replace(LEASES, name, { ...found, spec: specOf((leaseTransitions ?? 0) + 1) });
  }

  function renew(current: Lease): Promise<Lease> {
    return client.replace(LEASES, name, { ...current, spec: specOf(current.spec?.leaseTransitions ?? 0) });
  }

  function specOf(leaseTransitions: number): LeaseSpec {
    const renewTime = microTime(new Date());
    return { holderIdentity: identity, leaseDurationSeconds: durationSeconds, renewTime, leaseTransitions };
  }

  return {
    leads,
    async close() {
      closing.abort(new Error('closed'));
      await Promise.race([giveBack(), sleep(GIVE_BACK_MS, undefined, { ref: false })]);
    },
  };

  async function giveBack(): Promise<void> {
    await running;
    leadsUntilMs = 0;
    if (held === null) return;
    const spec = { ...held.spec, holderIdentity: '' };
    await client.replace(LEASES, name, { ...held, spec }).catch((error: unknown) => {
      log.warn({ err: error, lease: name }, 'the lease could not be given back');
    });
  }
}

/** Kubernetes reads exactly six digits of a second. */
function microTime(at: Date): string {
  return at.toISOString().replace('Z', '000Z');
}
