/**
 * Runs attempts as processes of this machine. All it must know is on disk, so that it can be killed at any moment:
 * the next one adopts the processes that live, takes over how others ended, and calls those that are gone `disrupted`.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type AttemptRef, refOf } from '@lamina/domain/contract/attempt.ts';
import type {
  AttemptEnd,
  AttemptLaunch,
  AttemptObservation,
  AttemptRequest,
  JobRunner,
} from '@lamina/domain/contract/runner.ts';
import { attemptFolder } from '@lamina/platform/application/ports/artifacts.ts';
import type { WorkerLog } from '../../log.ts';
import { Attempt } from './attempt.ts';
import { createAttemptIndex, type IndexEntry } from './attempt-index.ts';
import { Deliveries } from './deliveries.ts';
import type { StopReason } from './diagnosis.ts';
import { writeJson } from './files.ts';
import type { GpuDesk } from './gpu-desk.ts';
import { createGpuQueue } from './gpu-queue.ts';
import type { Launcher } from './launcher.ts';
import { bootId, outOfMemoryKills } from './processes.ts';

export interface LocalRunnerOptions {
  /** Root of the artifact directory: attempts live where the artifact store finds them. */
  readonly root: string;
  readonly launcher: Launcher;
  readonly log: Pick<WorkerLog, 'info' | 'warn'>;
  /** Where the keys of endpoints are that a generation names. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** Gives each attempt its own GPUs; null or absent: attempts share what the machine has. */
  readonly desk?: GpuDesk | null;
  /** How often GPUs are looked at while attempts wait for processes of others, milliseconds. */
  readonly lookAgainMs?: number;
  /** How often processes are looked at without being told to, milliseconds. */
  readonly pollMs?: number;
  /** How long `launch` waits for a process before it answers `pending`, milliseconds. */
  readonly launchWaitMs?: number;
}

export interface LocalRunner extends JobRunner {
  /** Asks every living attempt to save a checkpoint and end, and waits until all have. Those in a queue stay in it. */
  shutdown(graceSeconds: number): Promise<void>;
  /** Attempts that are alive, by the GPU that each was given. */
  holders(): ReadonlyMap<string, string>;
  /** Lets go of timers and watches; attempts go on. */
  close(): Promise<void>;
}

export function createLocalRunner(options: LocalRunnerOptions): LocalRunner {
  const { root, launcher, log, desk = null, variables = {}, pollMs = 2_000, launchWaitMs = 20_000 } = options;
  const index = createAttemptIndex(join(root, 'runner'));
  const attempts = new Map<string, Attempt>();
  const watchers = new Set<Deliveries>();
  let timer: NodeJS.Timeout | null = null;
  let closed = false;
  let stopping = false;

  const dirOf = (ref: AttemptRef): string => join(root, attemptFolder(ref));
  const track = (entry: IndexEntry): Attempt => {
    const attempt = new Attempt(dirOf(entry), entry, index.save);
    attempts.set(entry.attemptId, attempt);
    return attempt;
  };
  const living = (): Attempt[] => [...attempts.values()].filter((each) => each.entry.end === null);

  const queue =
    desk === null
      ? null
      : createGpuQueue({
          desk,
          living,
          async start(attempt, item, devices) {
            attempt.admit(devices);
            attempt.starting = start(attempt, item);
            await attempt.starting;
          },
          refuse(attempt, message) {
            attempt.fail(message, 'invalid');
            for (const watcher of watchers) watcher.add([attempt.observation()]);
          },
          isOpen: () => !stopping && !closed,
          ...(options.lookAgainMs === undefined ? {} : { lookAgainMs: options.lookAgainMs }),
        });

  for (const entry of index.load()) track(entry);
  tick();

  function tick(): void {
    if (closed) return;
    const alive = living();
    const now = Date.now();
    for (const attempt of alive) {
      attempt.inspect(now);
      attempt.follow(() => tick());
    }
    const ended = alive.filter((each) => each.entry.end !== null).map((each) => each.observation());
    for (const { attemptId, end } of ended) log.info({ attemptId, outcome: end?.outcome }, 'attempt ended');
    for (const watcher of watchers) watcher.add(ended);
    if (desk !== null) for (const { entry } of alive) if (entry.end !== null) freed(desk, entry, entry.end);
    queue?.tick();
    schedule();
  }

  /** What an ended attempt says of its GPUs is kept before others get them. */
  function freed(of: GpuDesk, { attemptId, devices = [] }: IndexEntry, end: AttemptEnd): void {
    if (devices.length > 0) void of.ended(attemptId, devices, end).then(() => queue?.serve());
  }

  function schedule(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const alive = living();
    if (alive.length === 0 || closed) return;
    const dues = alive.map((each) => each.dueAtMs()).filter((due) => due !== null);
    const wait = Math.min(pollMs, Math.max(10, Math.min(...dues) - Date.now()));
    timer = setTimeout(tick, wait).unref();
  }

  function enter(item: AttemptLaunch<AttemptRequest>): Attempt {
    const { deadlineSeconds, graceSeconds } = item;
    const launchedAt = new Date();
    const entry: IndexEntry = {
      ...refOf(item),
      launchedAt: launchedAt.toISOString(),
      deadlineAt:
        deadlineSeconds === null ? null : new Date(launchedAt.getTime() + deadlineSeconds * 1000).toISOString(),
      deadlineSeconds,
      graceSeconds,
      bootId: bootId(),
      outOfMemoryKills: outOfMemoryKills(),
      stop: null,
      end: null,
    };
    mkdirSync(dirOf(item), { recursive: true });
    index.save(entry);
    return track(entry);
  }

  function forget(refs: readonly AttemptRef[]): void {
    for (const { attemptId } of refs) {
      if (attempts.get(attemptId)?.entry.end == null) continue;
      attempts.delete(attemptId);
      index.remove(attemptId);
    }
  }

  async function start(attempt: Attempt, item: AttemptLaunch<AttemptRequest>): Promise<void> {
    const request = { ...item.request, paths: { ...item.request.paths, output: attempt.dir } };
    writeJson(join(attempt.dir, 'request.json'), request);
    try {
      attempt.identity = await launcher.start({
        attemptDir: attempt.dir,
        env: {
          LAMINA_ATTEMPT_TOKEN: item.token,
          ...apiKey(item.request, variables),
          // Nothing for a trial that asks for none: on a machine of others it must not take what they were given.
          ...(desk === null ? {} : { CUDA_VISIBLE_DEVICES: (attempt.entry.devices ?? []).join(',') }),
        },
      });
      const { devices } = attempt.entry;
      log.info({ attemptId: item.attemptId, pid: attempt.identity.pid, devices }, 'attempt launched');
    } catch (error) {
      attempt.fail(`The trainer could not be started: ${error instanceof Error ? error.message : String(error)}`);
      for (const watcher of watchers) watcher.add([attempt.observation()]);
      void queue?.serve();
    } finally {
      attempt.starting = null;
    }
    // A stop that came while it was being started.
    const stop = attempt.entry.stop;
    if (stop !== null && attempt.entry.end === null) {
      attempt.update({ stop: null });
      attempt.requestStop(stop.reason, attempt.entry.graceSeconds);
    }
    tick();
  }

  async function launchOne(item: AttemptLaunch<AttemptRequest>): Promise<AttemptObservation> {
    try {
      const attempt = attempts.get(item.attemptId) ?? enter(item);
      if (attempt.entry.end === null && attempt.entry.stop === null && attempt.neverStarted()) {
        if (queue === null || item.request.plan.gpus === 0) attempt.starting = start(attempt, item);
        else attempt.update({ waiting: item, admittedAt: null, deadlineAt: null });
      }
      if (queue !== null && attempt.isWaiting()) await withinMs(queue.serve(), launchWaitMs);
      else if (attempt.starting !== null) await withinMs(attempt.starting, launchWaitMs);
      tick();
      return attempt.observation();
    } catch (error) {
      const message = `The attempt could not be launched: ${error instanceof Error ? error.message : String(error)}`;
      const end = {
        outcome: 'crashed',
        message,
        exitCode: null,
        node: null,
        endedAt: new Date().toISOString(),
      } as const;
      return { ...refOf(item), state: 'ended', reason: null, end };
    }
  }

  function stopAll(which: readonly Attempt[], reason: StopReason, graceSeconds: number): void {
    for (const attempt of which) attempt.requestStop(reason, graceSeconds);
    tick();
  }

  return {
    name: `local (${launcher.name})`,
    launch: (items) => Promise.all(items.map(launchOne)),
    async stop(refs, graceSeconds) {
      const known = refs.map((ref) => attempts.get(ref.attemptId)).filter((each) => each !== undefined);
      stopAll(known, 'requested', graceSeconds);
    },
    async list(experimentId) {
      tick();
      return [...attempts.values()]
        .filter((each) => each.entry.experimentId === experimentId)
        .map((each) => each.observation());
    },
    async watch(handler) {
      const deliveries = new Deliveries(handler, log);
      watchers.add(deliveries);
      deliveries.add([...attempts.values()].map((each) => each.observation()).filter((each) => each.end !== null));
      tick();
      return {
        async close() {
          watchers.delete(deliveries);
          await deliveries.close();
        },
      };
    },
    async forget(refs) {
      forget(refs);
    },
    async clear(experimentId) {
      forget([...attempts.values()].map(({ entry }) => entry).filter((entry) => entry.experimentId === experimentId));
    },
    async shutdown(graceSeconds) {
      const started = (): Attempt[] => living().filter((each) => !each.isWaiting());
      stopping = true;
      stopAll(started(), 'shutdown', graceSeconds);
      while (started().length > 0) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        tick();
      }
    },
    holders() {
      const given = living().flatMap(({ entry: { attemptId, devices = [] } }) =>
        devices.map((device) => [device, attemptId] as const),
      );
      return new Map(given);
    },
    async close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      for (const attempt of attempts.values()) attempt.unfollow();
      await Promise.all([...watchers].map((each) => each.close()));
      watchers.clear();
    },
  };
}

/** A warm trainer has the environment of when it was started; the key may have changed since. */
function apiKey(
  request: AttemptRequest,
  variables: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const name = 'kind' in request ? request.spec.endpoint.apiKeyVariable : null;
  const value = name === null ? undefined : variables[name];
  return name === null || value === undefined ? {} : { [name]: value };
}

async function withinMs(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
