/** Attempts that wait for GPUs of this machine, served in the order of their arrival. */
import type { AttemptLaunch, AttemptRequest } from '@lamina/domain/contract/runner.ts';
import type { Attempt } from './attempt.ts';
import type { GpuDesk } from './gpu-desk.ts';

/** How often devices are looked at again while attempts wait for what nobody here controls. */
const LOOK_AGAIN_MS = 5_000;
/** How often at the latest, should an end have been missed. */
const LOOK_ANYWAY_MS = 60_000;

export interface GpuQueueOptions {
  readonly desk: GpuDesk;
  /** Attempts that have not ended. */
  readonly living: () => readonly Attempt[];
  readonly start: (attempt: Attempt, item: AttemptLaunch<AttemptRequest>, devices: readonly string[]) => Promise<void>;
  readonly refuse: (attempt: Attempt, message: string) => void;
  /** False once nothing is to be started any more. */
  readonly isOpen: () => boolean;
  readonly lookAgainMs?: number;
}

export interface GpuQueue {
  /** Starts what may start; resolves once everything that waited when it was called has been looked at. */
  serve(): Promise<void>;
  /** Serves where it is time to look again. */
  tick(): void;
}

export function createGpuQueue(options: GpuQueueOptions): GpuQueue {
  const { desk, living, start, refuse, isOpen, lookAgainMs = LOOK_AGAIN_MS } = options;
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  /** Whether devices may come free without an end of an attempt. */
  let watched = true;
  let servedAtMs = Number.NEGATIVE_INFINITY;

  const waiting = (): Attempt[] =>
    living()
      .filter(({ entry }) => entry.waiting != null)
      .toSorted((a, b) => Date.parse(a.entry.launchedAt) - Date.parse(b.entry.launchedAt));

  async function pass(): Promise<void> {
    servedAtMs = performance.now();
    const attempts = waiting();
    if (attempts.length === 0 || !isOpen()) return;
    const held = new Set(living().flatMap(({ entry }) => (entry.waiting == null ? (entry.devices ?? []) : [])));
    const answers = await desk.answers(
      held,
      attempts.flatMap(({ entry: { attemptId, waiting: item } }) =>
        item == null ? [] : [{ attemptId, request: item.request }],
      ),
    );
    if (!isOpen()) return;
    const starts: Promise<void>[] = [];
    watched = false;
    for (const attempt of attempts) {
      const answer = answers.get(attempt.entry.attemptId);
      const { waiting: item, stop, end } = attempt.entry;
      // It may have been stopped while the devices were looked at.
      if (answer === undefined || item == null || stop !== null || end !== null) continue;
      if (answer.kind === 'start') starts.push(start(attempt, item, answer.devices));
      else if (answer.kind === 'never') refuse(attempt, answer.message);
      else {
        attempt.wait(answer.reason);
        watched ||= answer.watch;
      }
    }
    await Promise.all(starts);
  }

  function serve(): Promise<void> {
    if (running === null) {
      running = pass().finally(() => {
        running = null;
      });
      return running;
    }
    // The pass that runs may have counted those that wait already: another one follows it.
    next ??= running.then(() => {
      next = null;
      return serve();
    });
    return next;
  }

  return {
    serve,
    tick() {
      if (running !== null || waiting().length === 0) return;
      if (performance.now() - servedAtMs >= (watched ? lookAgainMs : LOOK_ANYWAY_MS)) void serve();
    },
  };
}
