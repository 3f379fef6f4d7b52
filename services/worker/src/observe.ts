/** What the runner knows of an experiment's attempts, with their signs of life from the store. */
import type { AttemptObservation } from '@lamina/domain/contract/runner.ts';
import type { SeenAttempt } from '@lamina/domain/run/events.ts';
import type { AttemptRecord } from '@lamina/platform/application/ports/store.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { withoutRecorded } from './recorded.ts';

export type Observer = (experimentId: string) => Promise<SeenAttempt[]>;

/**
 * `listeningSinceMs`: nobody could hear attempts before that, so their silence counts from then on. Trainers buffer
 * their events while the API is away.
 */
export function createObserver(
  { store, runner, eventsBaseUrl }: Pick<ActivityDependencies, 'store' | 'runner' | 'eventsBaseUrl'>,
  listeningSinceMs: number,
): Observer {
  function see(observation: AttemptObservation, known: AttemptRecord | null, nowMs: number): SeenAttempt {
    const { trialId, attempt, state, reason, end } = observation;
    if (end !== null) return { trialId, attempt, state: 'ended', reason, end, aliveMs: null, silentMs: null };
    const silentMs = eventsBaseUrl === null ? null : nowMs - Math.max(heardAtMs(known, nowMs), listeningSinceMs);
    return { trialId, attempt, state, reason, end, aliveMs: aliveMs(observation, known, nowMs), silentMs };
  }

  return async (experimentId) => {
    const listed = await runner.list(experimentId);
    await store.noteAttempts(experimentId, listed);
    const { observations, records } = await withoutRecorded({ store, runner }, listed);
    const nowMs = Date.now();
    return observations.map((observation) => see(observation, records.get(observation.attemptId) ?? null, nowMs));
  };
}

/** Its last event; before the first, when it was first seen to run: a long wait for a node is not silence. */
function heardAtMs(known: AttemptRecord | null, nowMs: number): number {
  const at = known?.lastEventAt ?? known?.runningAt ?? known?.startedAt;
  return at === undefined ? nowMs : Date.parse(at);
}

function aliveMs({ admittedAt }: AttemptObservation, known: AttemptRecord | null, nowMs: number): number | null {
  if (admittedAt === null) return null;
  const since = admittedAt ?? known?.startedAt;
  return since === undefined ? 0 : nowMs - Date.parse(since);
}
