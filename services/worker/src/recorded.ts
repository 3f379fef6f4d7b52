/** Ends that a runner reports, and which of them the store has already: of Jobs that stay a while, or of another worker. */
import type { AttemptObservation, JobRunner } from '@lamina/domain/contract/runner.ts';
import type { EndedAttempt } from '@lamina/domain/run/events.ts';
import type { AttemptRecord, ExperimentStore } from '@lamina/platform/application/ports/store.ts';

export interface Sorted {
  /** Alive, or ended without a record of it. */
  readonly observations: readonly AttemptObservation[];
  /** Ended, and the store knows how. */
  readonly recorded: readonly AttemptObservation[];
  /** What the store knows of them, by attempt. */
  readonly records: ReadonlyMap<string, AttemptRecord>;
}

/** Leaves out what the runner need not report any more, and tells it so. */
export async function withoutRecorded(
  { store, runner }: { store: Pick<ExperimentStore, 'getAttempts'>; runner: Pick<JobRunner, 'forget'> },
  observations: readonly AttemptObservation[],
): Promise<Sorted> {
  const found = await store.getAttempts(observations.map(({ attemptId }) => attemptId));
  const records = new Map(found.map((record) => [record.attemptId, record]));
  const isRecorded = ({ attemptId, end }: AttemptObservation) => end !== null && records.get(attemptId)?.end != null;
  const recorded = observations.filter(isRecorded);
  await runner.forget(recorded);
  return { observations: observations.filter((each) => !isRecorded(each)), recorded, records };
}

/** As the run hears of it; nothing of one that is alive. */
export function endedOf({ trialId, attempt, end }: AttemptObservation): EndedAttempt[] {
  return end === null ? [] : [{ trialId, attempt, end }];
}
