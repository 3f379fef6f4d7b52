/** What the cluster says of attempts, by attempt and by experiment: Jobs and pods as last seen. */
import type { V1Job, V1ObjectMeta, V1Pod } from '@kubernetes/client-node';
import { type AttemptRef, refOf } from '@lamina/domain/contract/attempt.ts';
import type { AttemptEnd } from '@lamina/domain/contract/runner.ts';
import { remnantOfJob, remnantOfPod } from './slim.ts';

/**
 * What is known of one attempt. An entry is made when its Job or pod is first seen, or when it is launched; gets its
 * `end` when it is diagnosed; is dismissed when that end is recorded; and is dropped when Job and pods are gone and late
 * news of them are over.
 */
export interface AttemptEntry {
  readonly ref: AttemptRef;
  /** Null where it is gone, or was never seen. */
  job: V1Job | null;
  /** When it was noticed that the Job is gone, milliseconds since the epoch; null while it is there. */
  jobGoneAtMs: number | null;
  /** By uid, also those that are gone by now. */
  readonly pods: Map<string, V1Pod>;
  readonly gonePods: Set<string>;
  /** When it was first noticed that it may have ended, milliseconds since the epoch. */
  endSeenAtMs: number | null;
  /** Found once, then kept. */
  end: AttemptEnd | null;
  /** Nobody needs it any more: it is kept until its Job and pods are gone, so that late news of them is recognized. */
  dismissed: boolean;
  readonly enteredAtMs: number;
}

type RefOf = (metadata: V1ObjectMeta) => AttemptRef | null;

export class AttemptTable {
  private readonly refOf: RefOf;
  private readonly changed: (entry: AttemptEntry) => void;
  private readonly entries = new Map<string, AttemptEntry>();
  private readonly byExperiment = new Map<string, Set<AttemptEntry>>();

  constructor(refOf: RefOf, changed: (entry: AttemptEntry) => void) {
    this.refOf = refOf;
    this.changed = changed;
  }

  get(attemptId: string): AttemptEntry | undefined {
    return this.entries.get(attemptId);
  }

  ofExperiment(experimentId: string): readonly AttemptEntry[] {
    return [...(this.byExperiment.get(experimentId) ?? [])];
  }

  all(): IterableIterator<AttemptEntry> {
    return this.entries.values();
  }

  /** A Job as it came from the watch or as the answer to a request of ours. */
  putJob(job: V1Job): AttemptEntry | null {
    const entry = this.entryOf(job.metadata);
    if (entry === null || (entry.job !== null && versionOf(job) < versionOf(entry.job))) return entry;
    entry.job = entry.dismissed ? remnantOfJob(job) : job;
    entry.jobGoneAtMs = null;
    this.changed(entry);
    return entry;
  }

  putPod(pod: V1Pod): void {
    const entry = this.entryOf(pod.metadata);
    const uid = pod.metadata?.uid;
    if (entry === null || uid === undefined || entry.gonePods.has(uid)) return;
    const known = entry.pods.get(uid);
    if (known !== undefined && versionOf(pod) < versionOf(known)) return;
    entry.pods.set(uid, entry.dismissed ? remnantOfPod(pod) : pod);
    this.changed(entry);
  }

  removeJob(job: V1Job): void {
    const entry = this.known(job.metadata);
    if (entry === undefined || entry.jobGoneAtMs !== null) return;
    // Deleted in between, and made again under the same name.
    if (entry.job !== null && entry.job.metadata?.uid !== job.metadata?.uid) return;
    entry.job = null;
    entry.jobGoneAtMs = Date.now();
    this.changed(entry);
  }

  removePod(pod: V1Pod): void {
    const entry = this.known(pod.metadata);
    const uid = pod.metadata?.uid;
    if (entry === undefined || uid === undefined || entry.gonePods.has(uid)) return;
    entry.pods.set(uid, pod);
    entry.gonePods.add(uid);
    this.changed(entry);
  }

  /** What is not in the list is gone, unless it came into being after the list was made. */
  replaceJobs(jobs: readonly V1Job[], resourceVersion: string): void {
    const ids = new Set(jobs.map(({ metadata }) => (metadata === undefined ? null : this.refOf(metadata)?.attemptId)));
    for (const entry of [...this.entries.values()]) this.missing(entry, ids, resourceVersion);
    for (const job of jobs) this.putJob(job);
  }

  /** Notes which Jobs are gone. `ids`: the attempts of this experiment whose Jobs there were at that version. */
  markMissing(experimentId: string, ids: ReadonlySet<string>, resourceVersion: string): void {
    for (const entry of this.ofExperiment(experimentId)) this.missing(entry, ids, resourceVersion);
  }

  replacePods(pods: readonly V1Pod[], resourceVersion: string): void {
    const there = new Set(pods.map((pod) => pod.metadata?.uid));
    for (const entry of [...this.entries.values()]) {
      for (const [uid, pod] of entry.pods) {
        if (!there.has(uid) && versionOf(pod) <= Number(resourceVersion)) this.removePod(pod);
      }
    }
    for (const pod of pods) this.putPod(pod);
  }

  /** An attempt that is not in the cluster, or not yet. */
  enter(ref: AttemptRef): AttemptEntry {
    const known = this.entries.get(ref.attemptId);
    if (known !== undefined) return known;
    const entry: AttemptEntry = {
      ref: refOf(ref),
      job: null,
      jobGoneAtMs: null,
      pods: new Map(),
      gonePods: new Set(),
      endSeenAtMs: null,
      end: null,
      dismissed: false,
      enteredAtMs: Date.now(),
    };
    this.entries.set(ref.attemptId, entry);
    const siblings = this.byExperiment.get(ref.experimentId);
    if (siblings === undefined) this.byExperiment.set(ref.experimentId, new Set([entry]));
    else siblings.add(entry);
    return entry;
  }

  /** Its end is recorded. */
  dismiss(entry: AttemptEntry): void {
    entry.dismissed = true;
    if (entry.job !== null) entry.job = remnantOfJob(entry.job);
    for (const [uid, pod] of entry.pods) entry.pods.set(uid, remnantOfPod(pod));
  }

  drop(entry: AttemptEntry): void {
    this.entries.delete(entry.ref.attemptId);
    const siblings = this.byExperiment.get(entry.ref.experimentId);
    siblings?.delete(entry);
    if (siblings?.size === 0) this.byExperiment.delete(entry.ref.experimentId);
  }

  private missing(entry: AttemptEntry, ids: ReadonlySet<unknown>, resourceVersion: string): void {
    const { ref, job, pods, jobGoneAtMs } = entry;
    if (ids.has(ref.attemptId) || jobGoneAtMs !== null) return;
    // Where only pods have been seen, the Job was there before them.
    const seen = job === null ? Math.max(0, ...[...pods.values()].map(versionOf)) : versionOf(job);
    if (seen === 0 || seen > Number(resourceVersion)) return;
    entry.job = null;
    entry.jobGoneAtMs = Date.now();
    this.changed(entry);
  }

  private known(metadata: V1ObjectMeta | undefined): AttemptEntry | undefined {
    const ref = metadata === undefined ? null : this.refOf(metadata);
    return ref === null ? undefined : this.entries.get(ref.attemptId);
  }

  private entryOf(metadata: V1ObjectMeta | undefined): AttemptEntry | null {
    const ref = metadata === undefined ? null : this.refOf(metadata);
    return ref === null ? null : this.enter(ref);
  }
}

/** Resource versions of one kind grow; they are compared only to tell old news from new. */
function versionOf({ metadata }: { metadata?: V1ObjectMeta }): number {
  return Number(metadata?.resourceVersion ?? 0);
}

/** Pods that are still in the cluster. */
export function livePods({ pods, gonePods }: AttemptEntry): V1Pod[] {
  return [...pods].flatMap(([uid, pod]) => (gonePods.has(uid) ? [] : [pod]));
}

const INDEX = 'batch.kubernetes.io/job-completion-index';

/** The newest pod in the cluster of those that speak for the attempt: of several that work together, the first. */
export function speakingPod(entry: AttemptEntry): V1Pod | null {
  const speaking = livePods(entry).filter(({ metadata }) => (metadata?.labels?.[INDEX] ?? '0') === '0');
  return speaking.at(-1) ?? null;
}
