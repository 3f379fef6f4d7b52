/** Evidence as the rules read it: one place that knows where a cluster puts what, and that any part may be missing. */
import type { CoreV1Event, V1ContainerState, V1Node, V1Pod } from '@kubernetes/client-node';
import { type TrialExit, trialExit } from '@lamina/domain/contract/trial.ts';
import type { AttemptEvidence } from '../evidence.ts';
import { LABELS, TRAINER_CONTAINER } from '../labels.ts';

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly atMs: number | null;
}

export interface Terminated {
  readonly exitCode: number;
  readonly reason: string;
  /** What the trainer or the container runtime left; at most 4 KiB. */
  readonly text: string;
  readonly finishedAtMs: number | null;
}

export interface PodView {
  readonly name: string;
  readonly uid: string;
  readonly node: string | null;
  readonly phase: string;
  readonly reason: string;
  readonly message: string;
  readonly createdAtMs: number | null;
  /** It is not in the cluster any more; what is known is how it was last seen. */
  readonly gone: boolean;
  /** When a deletion that was asked for had to be done; null where none was. */
  readonly deletionDueMs: number | null;
  /** Is its node ready? Null where nothing is known of the node. */
  readonly nodeReady: boolean | null;
  readonly conditions: readonly Condition[];
  readonly terminated: Terminated | null;
  readonly waiting: { readonly reason: string; readonly message: string } | null;
  /** The trainer's container is running or has ended. */
  readonly started: boolean;
  /** The trainer's own words: from the termination message, else exit.json. */
  readonly said: TrialExit | null;
  /** What the trainer's container asks for, by resource. */
  readonly requests: Readonly<Record<string, string>>;
  /** Host memory limit of the trainer as written in the pod, e.g. "16Gi". */
  readonly memoryLimit: string | null;
  readonly image: string | null;
  readonly events: readonly EventView[];
}

export interface EventView {
  readonly reason: string;
  readonly message: string;
  readonly kind: string;
  readonly name: string;
  readonly atMs: number | null;
}

export interface AttemptView {
  readonly jobGone: boolean;
  readonly jobDeleting: boolean;
  readonly suspended: boolean;
  readonly queue: string | null;
  readonly conditions: readonly Condition[];
  readonly deadlineSeconds: number | null;
  readonly parallelism: number;
  /** In an order that does not depend on the evidence's. */
  readonly pods: readonly PodView[];
  readonly events: readonly EventView[];
  readonly evidence: AttemptEvidence;
}

export function viewOf(evidence: AttemptEvidence): AttemptView {
  const { job } = evidence;
  const events = list(evidence.events).map(eventView);
  const pods = list(evidence.pods).map((pod) => podView(pod, evidence, events));
  return {
    jobGone: job == null,
    jobDeleting: job?.metadata?.deletionTimestamp != null,
    suspended: job?.spec?.suspend === true,
    queue: nullable(job?.metadata?.labels?.[LABELS.queueName]),
    conditions: conditionsOf(job?.status?.conditions),
    deadlineSeconds: number(job?.spec?.activeDeadlineSeconds),
    parallelism: number(job?.spec?.parallelism) ?? 1,
    pods: pods.sort(byAge),
    events: events.sort((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0) || compare(a.message, b.message)),
    evidence,
  };
}

/** A condition that holds. */
export function holding(conditions: readonly Condition[], type: string): Condition | null {
  return conditions.find((one) => one.type === type && one.status === 'True') ?? null;
}

function podView(pod: V1Pod, evidence: AttemptEvidence, events: readonly EventView[]): PodView {
  const { metadata, spec, status } = pod ?? {};
  const states = list(status?.containerStatuses);
  const state = states.find((one) => one?.name === TRAINER_CONTAINER) ?? (states.length === 1 ? states[0] : undefined);
  const containers = list(spec?.containers);
  const container = containers.find((one) => one?.name === TRAINER_CONTAINER) ?? containers[0];
  const node = nullable(spec?.nodeName);
  const name = text(metadata?.name);
  const terminated = terminatedOf(state?.state) ?? terminatedOf(state?.lastState);
  return {
    name,
    uid: text(metadata?.uid),
    node,
    phase: text(status?.phase),
    reason: text(status?.reason),
    message: text(status?.message),
    createdAtMs: timeMs(metadata?.creationTimestamp),
    gone: evidence.gonePods.has(text(metadata?.uid)),
    deletionDueMs: timeMs(metadata?.deletionTimestamp),
    nodeReady: node === null ? null : isReady(evidence.nodes.get(node)),
    conditions: conditionsOf(status?.conditions),
    terminated,
    waiting: waitingOf(state?.state),
    started: terminated !== null || state?.state?.running != null,
    said: parseExit(terminated?.text) ?? evidence.exit,
    requests: container?.resources?.requests ?? container?.resources?.limits ?? {},
    memoryLimit: nullable(container?.resources?.limits?.['memory']),
    image: nullable(container?.image),
    events: events.filter((event) => event.kind === 'Pod' && event.name === name),
  };
}

function terminatedOf(state: V1ContainerState | undefined): Terminated | null {
  const ended = state?.terminated;
  if (ended == null) return null;
  return {
    exitCode: number(ended.exitCode) ?? 0,
    reason: text(ended.reason),
    text: text(ended.message),
    finishedAtMs: timeMs(ended.finishedAt),
  };
}

function waitingOf(state: V1ContainerState | undefined): PodView['waiting'] {
  const waiting = state?.waiting;
  return waiting == null ? null : { reason: text(waiting.reason), message: text(waiting.message) };
}

/** Nothing where the text is no TrialExit: with FallbackToLogsOnError it may be the log's tail. */
function parseExit(message: string | undefined): TrialExit | null {
  if (message === undefined || !message.trimStart().startsWith('{')) return null;
  try {
    return trialExit.safeParse(JSON.parse(message)).data ?? null;
  } catch {
    return null;
  }
}

/** Does the node answer? Null where nothing is known of it. */
export function isReady(node: V1Node | undefined): boolean | null {
  const ready = conditionsOf(node?.status?.conditions).find((one) => one.type === 'Ready');
  return ready === undefined ? null : ready.status === 'True';
}

function conditionsOf(conditions: readonly object[] | undefined | null): Condition[] {
  return list(conditions).map((one) => {
    const { type, status, reason, message, lastTransitionTime } = (one ?? {}) as Record<string, unknown>;
    return {
      type: text(type),
      status: text(status),
      reason: text(reason),
      message: text(message),
      atMs: timeMs(lastTransitionTime),
    };
  });
}

function eventView(event: CoreV1Event): EventView {
  return {
    reason: text(event?.reason),
    message: text(event?.message),
    kind: text(event?.involvedObject?.kind),
    name: text(event?.involvedObject?.name),
    atMs: timeMs(event?.lastTimestamp) ?? timeMs(event?.eventTime) ?? timeMs(event?.firstTimestamp),
  };
}

function byAge(a: PodView, b: PodView): number {
  return (a.createdAtMs ?? 0) - (b.createdAtMs ?? 0) || compare(a.name, b.name) || compare(a.uid, b.uid);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

// A watch gives times as text, a typed answer as Date.
function timeMs(value: unknown): number | null {
  if (value == null) return null;
  const ms = value instanceof Date ? value.getTime() : Date.parse(text(value));
  return Number.isNaN(ms) ? null : ms;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function nullable(value: unknown): string | null {
  return text(value) === '' ? null : text(value);
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function list<T>(value: readonly T[] | null | undefined): T[] {
  return Array.isArray(value) ? [...value] : [];
}
