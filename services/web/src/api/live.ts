/**
 * Keeps an experiment's queries fresh: phase and step of a trial are moved on by its event stream, all else is read again
 * when the stream says that it is stale, and by polling while the stream is down.
 */
import type { StreamEvent } from '@lamina/domain/contract/api.ts';
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { withProgress } from './progress.ts';
import type { Trials } from './queries.ts';
import { gather } from './throttle.ts';

export type Connection = 'connecting' | 'live' | 'interrupted';

/** Refetches are at least this far apart, however fast events come. */
const REFRESH_MS = 1000;
const COMPARISON_MS = 4000;
const PROGRESS_MS = 300;
const POLL_MS = 8000;
const REOPEN_MS = 5000;

type Stale = 'experiment' | 'trials' | `trial ${string}`;
type EventOf<T extends StreamEvent['type']> = Extract<StreamEvent, { type: T }>['data'];

/** `isThere`: whether the experiment is known to exist; nothing is asked before. */
export function useLive(id: string, isThere: boolean): Connection {
  const client = useQueryClient();
  const [connection, setConnection] = useState<Connection>('connecting');
  useEffect(() => (isThere ? follow(client, id, setConnection) : undefined), [client, id, isThere]);
  return connection;
}

function follow(client: QueryClient, id: string, report: (connection: Connection) => void): () => void {
  const refresh = gather<Stale>(REFRESH_MS, (stale) => {
    for (const key of stale) {
      const [kind = '', trialId] = key.split(' ');
      void client.invalidateQueries({ queryKey: trialId ? [kind, id, trialId] : [kind, id] });
    }
  });
  const compare = gather<'comparison'>(COMPARISON_MS, () => {
    void client.invalidateQueries({ queryKey: ['comparison', id] });
  });
  const progress = gather<EventOf<'metrics'>>(PROGRESS_MS, (steps) => {
    // A stream without Last-Event-ID begins with the whole history: only the newest of each trial counts.
    const newest = new Map([...steps].map((step) => [step.trialId, step]));
    client.setQueryData<Trials>(
      ['trials', id],
      (trials) => trials && [...newest.values()].reduce((moved, step) => withProgress(moved, step), trials),
    );
  });
  const all = () => {
    refresh.add('experiment');
    refresh.add('trials');
    compare.add('comparison');
  };

  let source: EventSource | null = null;
  let reopen: ReturnType<typeof setTimeout> | undefined;
  let poll: ReturnType<typeof setInterval> | undefined;

  const down = () => {
    report('interrupted');
    poll ??= setInterval(all, POLL_MS);
    // The browser reconnects by itself, with Last-Event-ID, unless the server refused.
    if (source?.readyState === EventSource.CLOSED) reopen = setTimeout(open, REOPEN_MS);
  };
  const up = () => {
    report('live');
    if (poll === undefined) return;
    clearInterval(poll);
    poll = undefined;
    all();
  };
  const open = () => {
    source?.close();
    source = new EventSource(`/v1/experiments/${encodeURIComponent(id)}/events`);
    source.addEventListener('open', up);
    source.addEventListener('error', down);
    source.addEventListener('experiment', () => refresh.add('experiment'));
    source.addEventListener('trial', (event) => {
      const { trialId } = data<'trial'>(event);
      refresh.add('experiment');
      refresh.add('trials');
      refresh.add(`trial ${trialId}`);
      compare.add('comparison');
    });
    source.addEventListener('attempt', (event) => {
      refresh.add('trials');
      refresh.add(`trial ${data<'attempt'>(event).trialId}`);
    });
    source.addEventListener('metrics', (event) => progress.add(data<'metrics'>(event)));
  };
  open();
  return () => {
    source?.close();
    clearTimeout(reopen);
    clearInterval(poll);
    refresh.close();
    compare.close();
    progress.close();
  };
}

function data<T extends StreamEvent['type']>(event: MessageEvent<string>): EventOf<T> {
  return JSON.parse(event.data) as EventOf<T>;
}
