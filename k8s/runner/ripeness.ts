/** Has an attempt ended, as far as the cluster shows, and may it be diagnosed yet? Pure. */
import { diagnose } from '../diagnosis/diagnose.ts';
import { type AttemptEntry, livePods } from '../watch/attempts.ts';
import { evidenceOf, type Surroundings } from './observe.ts';

/** The watches of Jobs and of pods run beside each other: the last words of one may come after the other's. */
const LAST_WORDS_MS = 1_500;

/** `alive`, `ended`, or for how many milliseconds more news may still change the diagnosis. */
export function ripeness(entry: AttemptEntry, surroundings: Surroundings): 'alive' | 'ended' | number {
  const { job, jobGoneAtMs } = entry;
  // Its pod was seen first.
  if (job === null && jobGoneAtMs === null) return 'alive';
  const found = diagnose(evidenceOf(entry, surroundings));
  if (found === null) {
    if (jobGoneAtMs === null || livePods(entry).length > 0) return 'alive';
    return waitUntil(jobGoneAtMs + LAST_WORDS_MS, surroundings.nowMs);
  }
  if (job === null || found.exitCode === 0 || hasFinalCondition(entry)) return 'ended';
  return waitUntil((entry.endSeenAtMs ?? surroundings.nowMs) + LAST_WORDS_MS, surroundings.nowMs);
}

function waitUntil(atMs: number, nowMs: number): 'ended' | number {
  return nowMs >= atMs ? 'ended' : atMs - nowMs;
}

const FINAL = new Set(['Complete', 'SuccessCriteriaMet', 'Failed', 'FailureTarget']);

function hasFinalCondition({ job }: AttemptEntry): boolean {
  return job?.status?.conditions?.some(({ type, status }) => FINAL.has(type) && status === 'True') ?? false;
}
