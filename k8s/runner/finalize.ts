/** The diagnosis of an attempt that has ended, from all there is: objects, files, and events where those do not say. */
import type { CoreV1Event } from '@kubernetes/client-node';
import type { AttemptEnd } from '@lamina/domain/contract/runner.ts';
import type { ClusterClient, ClusterLog } from '../client/client.ts';
import { EVENTS } from '../client/resources.ts';
import { diagnose } from '../diagnosis/diagnose.ts';
import type { AttemptEvidence } from '../evidence.ts';
import { TRAINER_CONTAINER } from '../labels.ts';
import { type AttemptEntry, speakingPod } from '../watch/attempts.ts';
import { type ClusterContext, endNow, evidenceOf } from './attempt-state.ts';
import { type AttemptFiles, LOG_FILE, readExit, readResult } from './files.ts';

export interface FinalizeContext {
  readonly client: ClusterClient;
  readonly files: AttemptFiles;
  readonly log: ClusterLog;
  contextOf(entry: AttemptEntry): ClusterContext;
  /** Is this worker the leader, which hands over ends and keeps logs? */
  leads(): boolean;
}

const LOG_TAIL = { lines: 2_000, bytes: 256 * 1024, withinMs: 10_000 };

export async function finalize(entry: AttemptEntry, context: FinalizeContext): Promise<AttemptEnd> {
  const [traces] = await Promise.all([tracesOf(entry, context), context.leads() ? keepLog(entry, context) : null]);
  let end = diagnose(evidenceOf(entry, context.contextOf(entry), traces));
  if (end === null ? entry.job !== null : needsEvents(entry, end)) {
    const events = await eventsOf(entry, context);
    if (events.length > 0) end = diagnose(evidenceOf(entry, { ...context.contextOf(entry), events }, traces)) ?? end;
  }
  return end ?? endNow('disrupted', 'The Job was deleted before the trial had started.');
}

async function tracesOf(
  { ref }: AttemptEntry,
  { files, log }: FinalizeContext,
): Promise<Pick<AttemptEvidence, 'exit' | 'result'>> {
  try {
    const [exit, result] = await Promise.all([readExit(files, ref), readResult(files, ref)]);
    return { exit, result };
  } catch (error) {
    log.warn({ err: error, attemptId: ref.attemptId }, "the attempt's files cannot be read");
    const why = error instanceof Error ? error.message : String(error);
    return { exit: null, result: { problem: `the artifact store does not answer: ${why}` } };
  }
}

/**
 * Do events tell more? Where a container has ended, its state says why, and a Job that was deleted explains itself. Why a
 * queue suspended a Job, and why no pod of it was admitted, is only in events.
 */
function needsEvents({ job, pods }: AttemptEntry, { outcome }: AttemptEnd): boolean {
  if (job?.spec?.suspend === true) return true;
  if (outcome === 'unschedulable') return pods.size === 0;
  if (outcome !== 'crashed') return false;
  return ![...pods.values()].some(({ status }) =>
    status?.containerStatuses?.some(({ state }) => state?.terminated != null),
  );
}

async function eventsOf(
  { ref, job, pods }: AttemptEntry,
  { client, log }: FinalizeContext,
): Promise<readonly CoreV1Event[]> {
  const uid = [...pods.keys()].at(-1) ?? job?.metadata?.uid;
  if (uid === undefined) return [];
  try {
    return (await client.list(EVENTS, { fieldSelector: `involvedObject.uid=${uid}` })).items;
  } catch (error) {
    log.warn({ err: error, attemptId: ref.attemptId }, "the attempt's events cannot be read");
    return [];
  }
}

/** Keeps what the container said where the trainer did not come so far as to write its own log. */
async function keepLog(entry: AttemptEntry, { client, files, log }: FinalizeContext): Promise<void> {
  const { ref } = entry;
  const pod = speakingPod(entry);
  const name = pod?.metadata?.name;
  const states = pod?.status?.containerStatuses?.filter((container) => container.name === TRAINER_CONTAINER);
  if (name === undefined || states?.[0]?.state?.terminated == null) return;
  try {
    if (await files.has(ref, LOG_FILE)) return;
    const options = { container: TRAINER_CONTAINER, tailLines: LOG_TAIL.lines, limitBytes: LOG_TAIL.bytes };
    const chunks: Uint8Array[] = [];
    for await (const chunk of client.log(name, options, AbortSignal.timeout(LOG_TAIL.withinMs))) chunks.push(chunk);
    await files.write(ref, LOG_FILE, Buffer.concat(chunks));
  } catch (error) {
    log.warn({ err: error, attemptId: ref.attemptId }, 'the log of an ended attempt could not be kept');
  }
}
