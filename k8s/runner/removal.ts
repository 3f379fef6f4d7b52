/** Deletes Jobs in few requests: one for each hundred of an experiment. */
import type { V1Job } from '@kubernetes/client-node';
import type { ClusterClient } from '../client/client.ts';
import { JOBS } from '../client/resources.ts';
import { LABELS } from '../labels.ts';
import type { Gate } from './gate.ts';

/** Keeps the address of a request below what servers and proxies take. */
const PER_REQUEST = 100;

export interface Removal {
  readonly name: string;
  /** Null where the Job has not been seen: it is deleted by its name alone. */
  readonly job: V1Job | null;
  /** Its trial has no other Job that could be meant by the same labels. */
  readonly alone: boolean;
}

/** What labels name is deleted only where it is in that state by then. */
const ONLY = { unsuccessful: 'status.successful=0', successful: 'status.successful=1', any: undefined };

export interface RemovalContext {
  readonly client: ClusterClient;
  readonly gate: Gate;
  readonly only: keyof typeof ONLY;
}

/** Throws where not all could be deleted. */
export async function removeJobs(removals: readonly Removal[], { client, gate, only }: RemovalContext): Promise<void> {
  const { single, selectors } = planRemoval(removals);
  const fieldSelector = ONLY[only];
  const work = [
    ...selectors.map((labelSelector) => async () => {
      await client.removeAll(JOBS, { labelSelector, fieldSelector }, { propagationPolicy: 'Background' });
    }),
    ...single.map((name) => async () => {
      await client.remove(JOBS, name, { propagationPolicy: 'Background' });
    }),
  ];
  const done = await Promise.allSettled(work.map((each) => gate.run(each)));
  const failed = done.find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

export function planRemoval(removals: readonly Removal[]): { single: string[]; selectors: string[] } {
  const single: string[] = [];
  const groups = new Map<string, Removal[]>();
  for (const removal of removals) {
    const owner = ownerOf(removal);
    const group = owner === null ? undefined : groups.get(owner);
    if (owner === null) single.push(removal.name);
    else if (group === undefined) groups.set(owner, [removal]);
    else group.push(removal);
  }
  const selectors: string[] = [];
  for (const [owner, group] of groups) {
    for (let at = 0; at < group.length; at += PER_REQUEST) {
      const part = group.slice(at, at + PER_REQUEST);
      if (part.length === 1) single.push(...part.map(({ name }) => name));
      else selectors.push(`${owner},${LABELS.trial} in (${part.map(trialOf).join(',')})`);
    }
  }
  return { single, selectors };
}

function trialOf({ job }: Removal): string | undefined {
  return job?.metadata?.labels?.[LABELS.trial];
}

function ownerOf(removal: Removal): string | null {
  const labels = removal.job?.metadata?.labels;
  if (!removal.alone || labels === undefined || trialOf(removal) === undefined) return null;
  return [LABELS.managedBy, LABELS.instance, LABELS.experiment].map((key) => `${key}=${labels[key]}`).join(',');
}
