/** What a cluster shows of attempts, told by somebody who has no part in it: how many were alive, which were made when. */
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import type { ClusterClient } from '@lamina/k8s/client/client.ts';
import { type ClusterObject, JOBS, PODS, type Resource } from '@lamina/k8s/client/resources.ts';
import { attemptOf } from '@lamina/k8s/manifests/identity.ts';
import { startReflector } from '@lamina/k8s/watch/reflector.ts';
import { quiet } from './kubernetes-runner.ts';

interface Sight {
  /** Place in the order of all changes of the cluster. */
  readonly order: number;
  readonly kind: 'job' | 'pod';
  readonly uid: string;
  readonly attemptId: string;
  readonly experimentId: string;
  readonly createdAtMs: number;
  readonly alive: boolean;
  readonly exists: boolean;
}

export interface Witness {
  readonly ready: Promise<unknown>;
  /** The most attempts of the experiment that were alive at once. */
  peakAlive(experimentId: string): number;
  /** Attempts that have had more than one Job or pod. */
  doubled(experimentId: string): readonly string[];
  /** When Jobs were made, by the cluster's clock, whole seconds; milliseconds. */
  jobsMadeAtMs(experimentId: string): readonly number[];
  /** Jobs and pods that are there now. */
  left(experimentId: string): number;
  pods(experimentId: string): readonly V1Pod[];
  close(): void;
}

export function startWitness(client: ClusterClient): Witness {
  const sights: Sight[] = [];
  const present = new Map<string, V1Job | V1Pod>();

  function see(kind: Sight['kind'], object: V1Job | V1Pod, exists: boolean, order: string | undefined): void {
    const ref = attemptOf(object.metadata);
    const uid = object.metadata?.uid;
    if (ref === null || uid === undefined) return;
    if (exists) present.set(uid, object);
    else present.delete(uid);
    const { attemptId, experimentId } = ref;
    const createdAtMs = Date.parse(String(object.metadata?.creationTimestamp));
    const alive = exists && (kind === 'job' ? jobIsOpen(object as V1Job) : podIsAlive(object as V1Pod));
    sights.push({ order: Number(order), kind, uid, attemptId, experimentId, createdAtMs, alive, exists });
  }

  function watch<T extends ClusterObject & (V1Job | V1Pod)>(kind: Sight['kind'], resource: Resource<T>) {
    const known = new Map<string, T>();
    return startReflector<T>({
      client,
      resource,
      selection: {},
      slim: (object) => object,
      log: quiet,
      onList(items, resourceVersion) {
        const now = new Set(items.map(({ metadata }) => metadata?.uid ?? ''));
        for (const [uid, gone] of known) {
          if (now.has(uid)) continue;
          known.delete(uid);
          see(kind, gone, false, resourceVersion);
        }
        for (const item of items) {
          known.set(item.metadata?.uid ?? '', item);
          see(kind, item, true, item.metadata?.resourceVersion);
        }
      },
      onEvent(type, object) {
        const uid = object.metadata?.uid ?? '';
        if (type === 'DELETED') known.delete(uid);
        else known.set(uid, object);
        see(kind, object, type !== 'DELETED', object.metadata?.resourceVersion);
      },
    });
  }

  const reflectors = [watch('job', JOBS), watch('pod', PODS)];
  const of = (experimentId: string): Sight[] =>
    sights.filter((one) => one.experimentId === experimentId).sort((a, b) => a.order - b.order);

  return {
    ready: Promise.all(reflectors.map(({ synced }) => synced)),
    peakAlive: (experimentId) => peakOf(of(experimentId)),
    doubled(experimentId) {
      const uids = Map.groupBy(of(experimentId), ({ kind, attemptId }) => `${kind} ${attemptId}`);
      return [...uids].flatMap(([name, seen]) => (new Set(seen.map(({ uid }) => uid)).size > 1 ? [name] : []));
    },
    jobsMadeAtMs(experimentId) {
      const made = new Map(of(experimentId).flatMap((one) => (one.kind === 'job' ? [[one.uid, one.createdAtMs]] : [])));
      return [...made.values()];
    },
    left: (experimentId) => [...present.values()].filter(({ metadata }) => belongs(metadata, experimentId)).length,
    pods: (experimentId) =>
      [...present.values()].filter(
        (object): object is V1Pod => belongs(object.metadata, experimentId) && 'containers' in (object.spec ?? {}),
      ),
    close() {
      for (const reflector of reflectors) reflector.close();
    },
  };
}

function belongs(metadata: V1Pod['metadata'], experimentId: string): boolean {
  return attemptOf(metadata)?.experimentId === experimentId;
}

/** An attempt is alive while a pod of its own is, or while its Job may still get one. */
function peakOf(sights: readonly Sight[]): number {
  const jobs = new Map<string, Sight>();
  const pods = new Map<string, Map<string, Sight>>();
  const alive = new Set<string>();
  let peak = 0;
  for (const sight of sights) {
    const { attemptId, kind, uid } = sight;
    if (kind === 'job') jobs.set(attemptId, sight);
    else pods.set(attemptId, (pods.get(attemptId) ?? new Map<string, Sight>()).set(uid, sight));
    const own = [...(pods.get(attemptId)?.values() ?? [])];
    const job = jobs.get(attemptId);
    const open = own.some((pod) => pod.alive) || (own.length === 0 && job?.alive === true);
    if (open) alive.add(attemptId);
    else alive.delete(attemptId);
    peak = Math.max(peak, alive.size);
  }
  return peak;
}

function jobIsOpen({ metadata, status }: V1Job): boolean {
  const ended = status?.conditions?.some(
    ({ type, status: holds }) => holds === 'True' && (type === 'Complete' || type === 'Failed'),
  );
  return ended !== true && metadata?.deletionTimestamp === undefined;
}

/** A pod that was given up because its node is lost cannot be seen to end. */
function podIsAlive({ metadata, status }: V1Pod): boolean {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return false;
  if (status?.containerStatuses?.some(({ state }) => state?.terminated != null)) return false;
  const lost = status?.conditions?.some(({ reason }) => reason === 'DeletionByTaintManager');
  return !(metadata?.deletionTimestamp !== undefined && lost === true);
}
