/** What the runner knows of an experiment's attempts, with their signs of life from the store. */
import type { AttemptObservation } from '@lamina/domain/contract/runner.ts';
import type { SeenAttempt } from '@lamina/domain/run/events.ts';
import type { ActivityDependencies } from './activities.ts';

type Observer = (experimentId: string) => Promise<SeenAttempt[]>;

/**
 * `listeningSinceMs`: nobody could hear attempts before that, so their silence counts from then on. Trainers buffer
 * their events while the API is away.
 */
export function createObserver(
  { store, runner, eventsBaseUrl }: Pick<ActivityDependencies, 'store' | 'runner' | 'eventsBaseUrl'>,
  listeningSinceMs: number,
): Observer {
  async function see(observation: AttemptObservation): Promise<SeenAttempt> {
    const { trialId, attempt, state, reason, end } = observation;
    if (end !== null) return { trialId, attempt, state: 'ended', reason, end, aliveMs: null, silentMs: null };
    const known = await store.getAttempt(observation.attemptId);
    const nowMs = Date.now();
    const startedAtMs = known === null ? nowMs : Date.parse(known.startedAt);
    const heardAtMs = known === null || known.lastEventAt === null ? startedAtMs : Date.parse(known.lastEventAt);
    const silentMs = eventsBaseUrl === null ? null : nowMs - Math.max(heardAtMs, startedAtMs, listeningSinceMs);
    return { trialId, attempt, state, reason, end, aliveMs: nowMs - startedAtMs, silentMs };
  }

  return async (experimentId) => Promise.all((await runner.list(experimentId)).map(see));
}
