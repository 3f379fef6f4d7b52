/**
 * Warnings of the cluster about attempts that should have started: what their pods' states do not say. One list for
 * all of them, now and then, and none while everything starts in time.
 */
import type { CoreV1Event } from '@kubernetes/client-node';
import type { ClusterClient, ClusterLog } from '../client/client.ts';
import { EVENTS } from '../client/resources.ts';
import { type AttemptEntry, livePods } from '../watch/attempts.ts';

const KEPT_MS = 30_000;
const PATIENCE_MS = 10_000;

export class WarningEvents {
  private readonly client: Pick<ClusterClient, 'list'>;
  private readonly log: ClusterLog;
  private readonly byName = new Map<string, CoreV1Event[]>();
  private askedAtMs = Number.NEGATIVE_INFINITY;
  private asking: Promise<void> | null = null;

  constructor(client: Pick<ClusterClient, 'list'>, log: ClusterLog) {
    this.client = client;
    this.log = log;
  }

  /** True where something new may be known. */
  async ask(entries: Iterable<AttemptEntry>): Promise<boolean> {
    const nowMs = Date.now();
    const due = performance.now() - this.askedAtMs > KEPT_MS;
    const late = due ? [...entries].filter((entry) => isLate(entry, nowMs)) : [];
    if (late.length === 0) {
      if (due) this.byName.clear();
      await this.asking;
      return false;
    }
    this.asking ??= this.read(new Set(late.flatMap(namesOf))).finally(() => {
      this.asking = null;
    });
    await this.asking;
    return true;
  }

  about(entry: AttemptEntry): readonly CoreV1Event[] {
    return this.byName.size === 0 ? [] : namesOf(entry).flatMap((name) => this.byName.get(name) ?? []);
  }

  private async read(names: ReadonlySet<string>): Promise<void> {
    this.askedAtMs = performance.now();
    try {
      const { items } = await this.client.list(EVENTS, { fieldSelector: 'type=Warning' }, slimEvent);
      this.byName.clear();
      for (const event of items) {
        const name = event.involvedObject?.name ?? '';
        if (names.has(name)) this.byName.set(name, [...(this.byName.get(name) ?? []), event]);
      }
    } catch (error) {
      this.log.warn({ err: error }, "the cluster's warnings cannot be read");
    }
  }
}

/** It should run by now, or its pod should at least say why it does not. */
function isLate(entry: AttemptEntry, nowMs: number): boolean {
  const { job, end } = entry;
  if (job === null || end !== null || job.spec?.suspend === true || nowMs - entry.enteredAtMs < PATIENCE_MS)
    return false;
  return livePods(entry).every(({ spec, status }) => {
    if (status?.phase !== 'Pending') return false;
    const [container] = status.containerStatuses ?? [];
    return spec?.nodeName !== undefined && container?.state?.waiting?.reason !== 'ImagePullBackOff';
  });
}

function namesOf(entry: AttemptEntry): string[] {
  const names = livePods(entry).map(({ metadata }) => metadata?.name);
  return [entry.job?.metadata?.name, ...names].filter((name) => name !== undefined);
}

function slimEvent(event: CoreV1Event): CoreV1Event {
  const { reason, message, involvedObject, lastTimestamp, firstTimestamp, eventTime } = event;
  return { reason, message, involvedObject, lastTimestamp, firstTimestamp, eventTime } as CoreV1Event;
}
