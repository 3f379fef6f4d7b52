/** Evidence put together by hand, for what cannot be provoked without the hardware or the cloud that does it. */
import type { CoreV1Event, V1ContainerState, V1Job, V1Node, V1Pod } from '@kubernetes/client-node';
import type { TrialExit } from '@lamina/domain/contract/trial.ts';
import type { AttemptEvidence } from '../../evidence.ts';
import { TRAINER_CONTAINER } from '../../labels.ts';

export const NOW = '2026-01-01T12:00:00Z';

export interface PodParts {
  readonly name?: string;
  readonly node?: string | null;
  readonly phase?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly state?: V1ContainerState;
  readonly lastState?: V1ContainerState;
  readonly conditions?: readonly { type: string; status: string; reason?: string; message?: string }[];
  readonly deletedAt?: string;
}

export function pod(parts: PodParts): V1Pod {
  const { name = 'trial-0', node = 'gpu-1', phase = 'Failed', reason, message, state, lastState, deletedAt } = parts;
  const object = {
    metadata: { name, uid: `uid-of-${name}`, ...(deletedAt !== undefined && { deletionTimestamp: deletedAt }) },
    spec: {
      ...(node !== null && { nodeName: node }),
      containers: [{ name: TRAINER_CONTAINER, image: 'registry.example.org/lamina/trainer:1' }],
    },
    status: {
      phase,
      reason,
      message,
      conditions: parts.conditions ?? [],
      containerStatuses:
        state === undefined && lastState === undefined ? [] : [{ name: TRAINER_CONTAINER, state, lastState }],
    },
  };
  return object as unknown as V1Pod;
}

export function terminated(exitCode: number, message = '', reason = 'Error'): V1ContainerState {
  return { terminated: { exitCode, reason, message, finishedAt: NOW as unknown as Date } };
}

export const job = (parts: object = {}): V1Job => ({ metadata: { name: 'trial' }, ...parts });

export function node(name: string, ready: 'True' | 'False' | 'Unknown'): V1Node {
  return { metadata: { name }, status: { conditions: [{ type: 'Ready', status: ready }] } };
}

export function event(kind: string, name: string, reason: string, message: string): CoreV1Event {
  return { involvedObject: { kind, name }, metadata: {}, reason, message };
}

export function evidence(parts: Partial<AttemptEvidence>): AttemptEvidence {
  return {
    job: job(),
    pods: [],
    gonePods: new Set(),
    nodes: new Map(),
    events: [],
    exit: null,
    result: null,
    nowMs: Date.parse(NOW),
    ...parts,
  };
}

export const said = (
  code: number,
  message: string,
  resultSha256: string | null = null,
  subject: TrialExit['subject'] = null,
): TrialExit => {
  return { code, reason: 'x', message, resumable: code === 75, resultSha256, subject };
};
export const words = (exit: TrialExit): string => JSON.stringify(exit);
export const evictedBecause = (message: string): AttemptEvidence =>
  evidence({
    pods: [
      pod({
        reason: 'Evicted',
        message,
        state: terminated(137),
        conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message }],
      }),
    ],
  });
export const refused = (reason: string, message: string): AttemptEvidence =>
  evidence({ pods: [pod({ reason, message: `Pod was rejected: ${message}` })] });
export const ended = (code: number, message = '', reason = 'Error'): AttemptEvidence =>
  evidence({ pods: [pod({ state: terminated(code, message, reason) })] });

export const waiting = (reason: string, message: string, events: AttemptEvidence['events'] = []): AttemptEvidence =>
  evidence({ pods: [pod({ phase: 'Pending', state: { waiting: { reason, message } } })], events });
export const unscheduled = (message: string): AttemptEvidence =>
  evidence({
    pods: [
      pod({
        phase: 'Pending',
        node: null,
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
      }),
    ],
  });
