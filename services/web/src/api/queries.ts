/** What the pages read, as query options with their keys. */
import type {
  ActionView,
  ExperimentDetail,
  ExperimentView,
  TrialDetail,
  TrialView,
} from '@lamina/domain/contract/api.ts';
import type { GpuInventory } from '@lamina/domain/contract/gpus.ts';
import type { TrialEvent } from '@lamina/domain/contract/trial.ts';
import type { Comparison } from '@lamina/domain/results/types.ts';
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { getJson, getText, postJson } from './client.ts';

interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** Trials shown in a grid at most; an experiment with more says so. */
export const MOST_TRIALS = 5000;
const LOG_LINES = 200;

const path = (...parts: readonly string[]) => parts.map(encodeURIComponent).join('/');

export function experimentsQuery(filter: { name: string; state: string }) {
  return infiniteQueryOptions({
    queryKey: ['experiments', filter],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      getJson<Page<ExperimentView>>(
        'experiments',
        { limit: 30, cursor: pageParam ?? undefined, name: filter.name, state: filter.state },
        signal,
      ),
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: 5000,
  });
}

export function gpusQuery() {
  return queryOptions({
    queryKey: ['gpus'],
    queryFn: ({ signal }) => getJson<GpuInventory>('gpus', {}, signal),
    refetchInterval: 10_000,
  });
}

export function experimentQuery(id: string) {
  return queryOptions({
    queryKey: ['experiment', id],
    queryFn: ({ signal }) => getJson<ExperimentDetail>(path('experiments', id), {}, signal),
  });
}

export interface Trials {
  readonly items: readonly TrialView[];
  readonly isCut: boolean;
}

export function trialsQuery(id: string) {
  return queryOptions({
    queryKey: ['trials', id],
    queryFn: async ({ signal }): Promise<Trials> => {
      const items: TrialView[] = [];
      let cursor: string | null = null;
      do {
        const page: Page<TrialView> = await getJson(
          path('experiments', id, 'trials'),
          { limit: 1000, cursor: cursor ?? undefined },
          signal,
        );
        items.push(...page.items);
        cursor = page.nextCursor;
      } while (cursor !== null && items.length < MOST_TRIALS);
      return { items, isCut: cursor !== null };
    },
  });
}

export function comparisonQuery(id: string) {
  return queryOptions({
    queryKey: ['comparison', id],
    queryFn: ({ signal }) => getJson<Comparison>(path('experiments', id, 'comparison.json'), {}, signal),
  });
}

export function trialQuery(id: string, trialId: string) {
  return queryOptions({
    queryKey: ['trial', id, trialId],
    queryFn: ({ signal }) => getJson<TrialDetail>(path('experiments', id, 'trials', trialId), {}, signal),
  });
}

export function logQuery(attemptId: string, isRunning: boolean) {
  return queryOptions({
    queryKey: ['log', attemptId],
    queryFn: ({ signal }) => getText(path('attempts', attemptId, 'logs'), { tail: LOG_LINES }, signal),
    refetchInterval: isRunning ? 2000 : false,
    retry: false,
  });
}

const EVENTS_A_PAGE = 1000;

/** All events that an attempt has posted so far; asked again, only those that are new are read. */
export function attemptEventsQuery(attemptId: string, isRunning: boolean) {
  const queryKey = ['attempt-events', attemptId];
  return queryOptions({
    queryKey,
    queryFn: async ({ signal, client }): Promise<readonly TrialEvent[]> => {
      const events = [...(client.getQueryData<readonly TrialEvent[]>(queryKey) ?? [])];
      for (;;) {
        const { items } = await getJson<{ readonly items: readonly TrialEvent[] }>(
          path('attempts', attemptId, 'events'),
          { after: events.at(-1)?.seq ?? 0, limit: EVENTS_A_PAGE },
          signal,
        );
        events.push(...items);
        if (items.length < EVENTS_A_PAGE) return events;
      }
    },
    refetchInterval: isRunning ? 3000 : false,
  });
}

export type Action = 'pause' | 'resume' | 'cancel' | 'retry';

export function act(id: string, action: Action): Promise<ActionView> {
  return postJson<ActionView>(path('experiments', id, action), {});
}

export function comparisonHref(id: string, suffix: 'html' | 'csv' | 'md' | 'json'): string {
  const file = `/v1/${path('experiments', id)}/comparison.${suffix}`;
  return suffix === 'html' ? file : `${file}?download=true`;
}
