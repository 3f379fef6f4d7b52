/**
 * Runs attempts as Jobs of a cluster. What is known of attempts that the cluster has taken is in the cluster: a worker
 * that is killed leaves its Jobs behind, and the next one, or another that runs at the same time, goes on with them.
 * Attempts that the cluster refuses for now are known to one worker alone (`admission-retries.ts`): after its end their
 * runs miss them when they reconcile, call them disrupted, and go on with a next attempt.
 */
import type { V1Job } from '@kubernetes/client-node';
import { type AttemptRef, refOf } from '@lamina/domain/contract/attempt.ts';
import type { GpuInventorySource } from '@lamina/domain/contract/gpus.ts';
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import type { AttemptLaunch, AttemptObservation, AttemptRequest, JobRunner } from '@lamina/domain/contract/runner.ts';
import pLimit from 'p-limit';
import type { ClusterClient, ClusterLog } from '../client/client.ts';
import { isClusterError } from '../client/errors.ts';
import { JOBS, PODS } from '../client/resources.ts';
import { fittingSettings } from '../kueue/fitting.ts';
import { LABELS } from '../labels.ts';
import { jobManifest, jobName } from '../manifests/job.ts';
import { leaseName } from '../names.ts';
import type { KubernetesSettings } from '../settings/settings.ts';
import { type AttemptEntry, livePods } from '../watch/attempts.ts';
import { startElection } from '../watch/leader.ts';
import { slimJob } from '../watch/slim.ts';
import { AdmissionRetries } from './admission-retries.ts';
import { aliveObservation, type ClusterContext, endedObservation, endNow } from './attempt-state.ts';
import { type ClusterCache, openClusterCache } from './cluster-cache.ts';
import { Deliveries } from './deliveries.ts';
import type { AttemptFiles } from './files.ts';
import { type Deletion, deleteJobs, FinishedJobs } from './finished-jobs.ts';
import { createInventory } from './inventory.ts';
import { createOrAdopt, foreignTo } from './launch.ts';
import { Lifecycle } from './lifecycle.ts';
import { Queues } from './queues.ts';
import { WarningEvents } from './warning-events.ts';

export interface KubernetesRunnerOptions {
  readonly client: ClusterClient;
  readonly settings: KubernetesSettings;
  readonly artifacts: AttemptFiles;
  readonly log: ClusterLog;
  /** Name of this worker among those of the installation, e.g. host name and process id. */
  readonly identity: string;
  /** After which another worker takes over from one that is gone, whole seconds. */
  readonly leaseSeconds?: number;
  /** How often everything is listed again, in case a watch has lost something, milliseconds. */
  readonly relistMs?: number;
}

export interface KubernetesRunner extends JobRunner, GpuInventorySource {
  /**
   * Is this worker the leader of the installation? The leader alone hands over ends, keeps the logs of ended attempts,
   * asks for warning events, and frees pods of nodes that do not answer. All workers launch, stop and list.
   */
  leads(): boolean;
  /** Lets go of watches and of the lease; attempts go on. */
  close(): Promise<void>;
}

const LEASE_SECONDS = 15;
/** Requests that change something, at the same time. */
const WRITES_AT_ONCE = 24;

export function createKubernetesRunner(options: KubernetesRunnerOptions): KubernetesRunner {
  const { client, settings, artifacts, log, identity, leaseSeconds = LEASE_SECONDS, relistMs } = options;
  const name = `kubernetes (${settings.namespace})`;
  const writes = pLimit(WRITES_AT_ONCE);

  const warnings = new WarningEvents(client, log);
  const queues = new Queues(client, log);
  const fitting = fittingSettings(client, settings, log);
  const contextOf = (entry: AttemptEntry): ClusterContext => {
    return { nodes: cache.nodes, events: warnings.about(entry), nowMs: Date.now() };
  };
  /** Attempts of experiments that have ended: their Jobs are deleted once they have ended as well. */
  const unwanted = new WeakSet<AttemptEntry>();
  const lifecycle: Lifecycle = new Lifecycle({
    client,
    files: artifacts,
    log,
    warnings,
    contextOf,
    entries: () => cache.attempts.all(),
    drop: (entry) => cache.attempts.drop(entry),
    ended(entry) {
      if (unwanted.has(entry)) finished.release([entry]);
    },
    leads: () => leadership.leads(),
  });
  const cache: ClusterCache = openClusterCache({
    client,
    instance: settings.instance,
    log,
    relistMs,
    changed: (entry) => lifecycle.changed(entry),
  });
  const leadership = startElection({
    client,
    lease: leaseName(settings.instance),
    identity,
    durationSeconds: leaseSeconds,
    log,
    onLead: () => lifecycle.takeOver(),
  });
  const retries = new AdmissionRetries({
    client,
    log,
    limit: writes,
    async offer(item) {
      const created = await create(item);
      return 'pendingReason' in created ? created.pendingReason : null;
    },
  });
  const finished = new FinishedJobs({
    keepMs: settings.keepFinishedSeconds * 1000,
    log,
    remove(entries) {
      // A pod succeeds before its Job does: what labels name would be passed over.
      const deletions = deletionsOf(entries).map((each) => ({ ...each, alone: each.alone && hasSucceeded(each.job) }));
      // One request at a time: launches come first.
      return deleteJobs(deletions, { client, limit: pLimit(1), only: 'successful' });
    },
  });
  const gpus = createInventory({
    client,
    settings,
    source: name,
    nodes: () => [...cache.nodes.values()],
    problem: cache.nodesProblem,
    note: fitting.note,
  });

  async function create(
    item: AttemptLaunch<AttemptRequest>,
  ): Promise<AttemptObservation | { readonly pendingReason: PendingReason }> {
    const launched = await writes(async () => createOrAdopt(item, client, await fitting.current()));
    if ('pendingReason' in launched) return launched;
    if ('end' in launched) {
      const entry = cache.attempts.enter(item);
      // Never a Job of its own: nothing is left to be seen of it.
      if (entry.job === null) entry.jobGoneAtMs ??= Date.now();
      lifecycle.finish(entry, launched.end);
      return endedObservation(entry, entry.end ?? launched.end);
    }
    const entry = cache.attempts.putJob(launched.job) ?? cache.attempts.enter(item);
    return observe(entry);
  }

  async function launchOne(item: AttemptLaunch<AttemptRequest>): Promise<AttemptObservation> {
    const refused = retries.get(item.attemptId);
    if (refused !== null) return refused;
    const known = cache.attempts.get(item.attemptId);
    if (known !== undefined && (known.end !== null || known.jobGoneAtMs !== null)) return observe(known);
    if (known?.job != null) return foreign(item, known.job) ?? observe(known);
    const created = await create(item);
    if (!('pendingReason' in created)) return created;
    // Jobs that have ended count against a quota of Jobs as well; no room helps where a permission is missing.
    if (created.pendingReason.kind === 'unschedulable') finished.keepNothing();
    return retries.add(item, created.pendingReason);
  }

  function foreign(item: AttemptLaunch<AttemptRequest>, job: V1Job): AttemptObservation | null {
    const problem = foreignTo(jobManifest(item, settings), job);
    if (problem === null) return null;
    const end = endNow('invalid', problem);
    return { ...refOf(item), state: 'ended', reason: null, end };
  }

  async function observe(entry: AttemptEntry): Promise<AttemptObservation> {
    const end = await lifecycle.endOf(entry);
    if (end !== null) return endedObservation(entry, end);
    return aliveObservation(entry, contextOf(entry), queues.reasonOf(entry));
  }

  async function launch(items: readonly AttemptLaunch<AttemptRequest>[]): Promise<readonly AttemptObservation[]> {
    await cache.ready();
    const done = await Promise.allSettled(items.map(launchOne));
    return done.map((each) => {
      // The cluster could not be spoken to: launched again, the batch adopts what has been created.
      if (each.status === 'rejected') throw each.reason;
      return each.value;
    });
  }

  /**
   * For all entries at once: of each it must be known whether its trial has another Job. A Job of several pods goes by
   * its name: that one of them has succeeded does not mean that it has.
   */
  function deletionsOf(entries: readonly AttemptEntry[]): Deletion[] {
    const experiments = new Set(entries.map(({ ref }) => ref.experimentId));
    const siblings = [...experiments].flatMap((id) => cache.attempts.ofExperiment(id));
    const known = Map.groupBy(siblings, trialOf);
    return entries.map((entry) => {
      const pods = entry.job?.spec?.parallelism ?? 1;
      const same = known.get(trialOf(entry))?.filter(({ job }) => job !== null) ?? [];
      return { name: jobName(entry.ref.attemptId), job: entry.job, alone: same.length === 1 && pods <= 1 };
    });
  }

  async function stop(refs: readonly AttemptRef[], graceSeconds: number): Promise<void> {
    await cache.ready();
    const unseen: Deletion[] = [];
    const alive: AttemptEntry[] = [];
    for (const ref of refs) {
      if (retries.remove(ref.attemptId)) {
        const entry = cache.attempts.enter(ref);
        entry.jobGoneAtMs ??= Date.now();
        lifecycle.finish(entry, endNow('disrupted', 'Stopped before the cluster had taken it.'));
        continue;
      }
      const entry = cache.attempts.get(ref.attemptId);
      if (entry === undefined) unseen.push({ name: jobName(ref.attemptId), job: null, alone: false });
      else if (entry.end === null) alive.push(entry);
    }
    const known = deletionsOf(alive.filter(({ jobGoneAtMs }) => jobGoneAtMs === null));
    await deleteJobs([...known, ...unseen], { client, limit: writes, only: 'unsuccessful' });
    await Promise.all(alive.flatMap((entry) => hurry(entry, graceSeconds)));
  }

  /** Pods end within the grace period that they were made with, unless a shorter one is asked for. */
  function hurry(entry: AttemptEntry, graceSeconds: number): Promise<unknown>[] {
    const gracePeriodSeconds = Math.max(1, Math.ceil(graceSeconds));
    return livePods(entry).flatMap(({ metadata, spec }) => {
      const own = metadata?.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 0;
      const { name: pod, uid } = metadata ?? {};
      if (own <= gracePeriodSeconds || pod === undefined) return [];
      return [writes(() => client.remove(PODS, pod, { gracePeriodSeconds, uid }))];
    });
  }

  async function forget(refs: readonly AttemptRef[]): Promise<void> {
    await cache.ready();
    const known = refs.map(({ attemptId }) => cache.attempts.get(attemptId)).filter((entry) => entry !== undefined);
    await Promise.all(known.filter(({ end }) => end === null).map((entry) => writes(() => refresh(entry))));
    const ends = await Promise.all(known.map((entry) => lifecycle.endOf(entry)));
    const ended = known.filter((_, at) => ends[at] != null);
    for (const entry of ended) cache.attempts.dismiss(entry);
    const there = ended.filter(({ job }) => job !== null);
    finished.keep(there.filter(mayStay));
    await deleteJobs(deletionsOf(there.filter((entry) => !mayStay(entry))), { client, limit: writes, only: 'any' });
  }

  async function clear(experimentId: string): Promise<void> {
    await cache.ready();
    const all = cache.attempts.ofExperiment(experimentId);
    const ended = all.filter(({ end }) => end !== null);
    // Another worker may have seen and recorded an end that is still on its way to this one.
    for (const entry of all) if (entry.end === null) unwanted.add(entry);
    for (const entry of ended) cache.attempts.dismiss(entry);
    finished.release(ended);
  }

  /** Another worker may have seen an end that is still on its way to this one. */
  async function refresh(entry: AttemptEntry): Promise<void> {
    try {
      cache.attempts.putJob(slimJob(await client.get(JOBS, jobName(entry.ref.attemptId))));
    } catch (error) {
      if (!isClusterError(error, 'not-found')) throw error;
    }
  }

  return {
    name,
    launch,
    stop,
    forget,
    clear,
    gpus,
    leads: () => leadership.leads(),
    async list(experimentId) {
      await cache.ready();
      await cache.check(experimentId);
      const entries = cache.attempts.ofExperiment(experimentId).filter(({ dismissed }) => !dismissed);
      await Promise.all([warnings.ask(entries), queues.ask(entries)]);
      return [...(await Promise.all(entries.map(observe))), ...retries.ofExperiment(experimentId)];
    },
    async watch(handler) {
      const deliveries = new Deliveries(handler, log);
      lifecycle.add(deliveries);
      return {
        async close() {
          lifecycle.remove(deliveries);
          await deliveries.close();
        },
      };
    },
    async close() {
      retries.close();
      finished.close();
      await lifecycle.close();
      await leadership.close();
      cache.close();
    },
  };
}

function hasSucceeded(job: V1Job | null): boolean {
  return (job?.status?.succeeded ?? 0) > 0;
}

/** Its only pod has succeeded. A pod that has not succeeded may still be running, or reappear with its node. */
function mayStay({ job, pods }: AttemptEntry): boolean {
  return (
    (job?.spec?.parallelism ?? 1) <= 1 &&
    pods.size > 0 &&
    [...pods.values()].every(({ status }) => status?.phase === 'Succeeded')
  );
}

/** As its label says it: shortened. */
function trialOf({ ref, job }: AttemptEntry): string {
  return `${ref.experimentId} ${job?.metadata?.labels?.[LABELS.trial]}`;
}
