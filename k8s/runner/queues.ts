/** What Kueue says of attempts that wait in its queues: one list of Workloads for all of them, now and then. */
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import type { ClusterClient, ClusterLog } from '../client/client.ts';
import type { ClusterObject, Resource } from '../client/resources.ts';
import { findWorkloads } from '../kueue/find.ts';
import { queueReason } from '../kueue/reason.ts';
import { workloadsByJob } from '../kueue/workload.ts';
import { LABELS } from '../labels.ts';
import type { AttemptEntry } from '../watch/attempts.ts';

const KEPT_MS = 10_000;
const FOUND_MS = 10 * 60_000;

type Workload = ClusterObject & Record<'spec' | 'status', Record<string, unknown> | undefined>;

export class Queues {
  private readonly client: Pick<ClusterClient, 'get' | 'list'>;
  private readonly log: ClusterLog;
  private where: { readonly resource: Promise<Resource<ClusterObject> | null>; readonly untilMs: number } | null = null;
  private workloads: readonly object[] = [];
  private byJob: ReadonlyMap<string, object> = new Map();
  private askedAtMs = Number.NEGATIVE_INFINITY;
  private asking: Promise<void> | null = null;

  constructor(client: Pick<ClusterClient, 'get' | 'list'>, log: ClusterLog) {
    this.client = client;
    this.log = log;
  }

  async ask(entries: readonly AttemptEntry[]): Promise<void> {
    if (entries.some(waitsInQueue) && performance.now() - this.askedAtMs > KEPT_MS) {
      this.asking ??= this.read().finally(() => {
        this.asking = null;
      });
    }
    await this.asking;
  }

  /** Null where the attempt does not wait in a queue. */
  reasonOf(entry: AttemptEntry): PendingReason | null {
    const { job } = entry;
    if (job === null || !waitsInQueue(entry)) return null;
    const workload = this.byJob.get(job.metadata?.uid ?? '') ?? null;
    return queueReason(job, workload, this.workloads);
  }

  private async read(): Promise<void> {
    this.askedAtMs = performance.now();
    try {
      const resource = await this.find();
      const listed = resource === null ? [] : (await this.client.list(resource, {}, slimWorkload)).items;
      this.workloads = listed;
      this.byJob = workloadsByJob(listed);
    } catch (error) {
      this.log.warn({ err: error }, 'what the queues say cannot be read');
    }
  }

  private find(): Promise<Resource<ClusterObject> | null> {
    if (this.where === null || performance.now() >= this.where.untilMs) {
      const resource = findWorkloads(this.client);
      resource.catch(() => {
        this.where = null;
      });
      this.where = { resource, untilMs: performance.now() + FOUND_MS };
    }
    return this.where.resource;
  }
}

function waitsInQueue({ job, end }: AttemptEntry): boolean {
  return end === null && job?.spec?.suspend === true && job.metadata?.labels?.[LABELS.queueName] !== undefined;
}

/** A Workload carries the whole pod; of it nothing is read. */
function slimWorkload(object: ClusterObject): ClusterObject {
  const { metadata, spec, status } = object as Workload;
  const { name, creationTimestamp, ownerReferences } = metadata ?? {};
  const { queueName, priority, active } = spec ?? {};
  const { conditions, admissionChecks, requeueState } = status ?? {};
  return {
    metadata: { name, creationTimestamp, ownerReferences },
    spec: { queueName, priority, active },
    status: { conditions, admissionChecks, requeueState },
  } as ClusterObject;
}
