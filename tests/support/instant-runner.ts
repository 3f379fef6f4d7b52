/**
 * A JobRunner whose attempts follow a script instead of running a trainer. It keeps what a cluster would keep (attempts
 * and how they ended), so it passes the runners' conformance suite; orchestration is tested and measured with it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type AttemptRef, refOf } from '@lamina/domain/contract/attempt.ts';
import type { AttemptEnd, AttemptLaunch, AttemptObservation, JobRunner } from '@lamina/domain/contract/runner.ts';

export type Script =
  /** Ends by itself; `afterMs` 0: at once. */
  | {
      readonly do: 'end';
      readonly outcome: AttemptEnd['outcome'];
      readonly afterMs?: number;
      readonly message?: string;
      readonly subject?: AttemptEnd['subject'];
    }
  /** Runs until it is stopped, then ends as disrupted. */
  | { readonly do: 'run' }
  /** Runs on when asked to stop, until it is killed. */
  | { readonly do: 'ignore-stop' };

interface Attempt {
  readonly launch: AttemptLaunch;
  readonly script: Script;
  end: AttemptEnd | null;
  timers: NodeJS.Timeout[];
}

interface Watcher {
  readonly handler: (ended: readonly AttemptObservation[]) => Promise<void>;
  queue: AttemptObservation[];
  busy: Promise<void> | null;
  closed: boolean;
}

export interface InstantRunnerOptions {
  /** Called once per attempt; what it throws is why the attempt could not be launched. */
  readonly script: (launch: AttemptLaunch) => Script;
  /** Leaves the result where the scheduler finds it; called before an attempt ends as succeeded or diverged. */
  readonly writeResult?: (launch: AttemptLaunch, status: 'succeeded' | 'diverged') => Promise<void>;
}

export class InstantRunner implements JobRunner {
  readonly name = 'instant';
  /** Attempts started so far, by id, to see that none was started twice. */
  readonly starts = new Map<string, number>();
  /** The most attempts that were ever alive at once. */
  peakAlive = 0;
  readonly #options: InstantRunnerOptions;
  readonly #attempts = new Map<string, Attempt>();
  readonly #watchers = new Set<Watcher>();

  constructor(options: InstantRunnerOptions) {
    this.#options = options;
  }

  async launch(attempts: readonly AttemptLaunch[]): Promise<readonly AttemptObservation[]> {
    return attempts.map((launch) => {
      const known = this.#attempts.get(launch.attemptId);
      return observe(known ?? this.#start(launch));
    });
  }

  async stop(attempts: readonly AttemptRef[], graceSeconds: number): Promise<void> {
    for (const { attemptId } of attempts) {
      const attempt = this.#attempts.get(attemptId);
      if (attempt !== undefined) this.#stop(attempt, graceSeconds, 'disrupted');
    }
  }

  async list(experimentId: string): Promise<readonly AttemptObservation[]> {
    return [...this.#attempts.values()].filter((one) => one.launch.experimentId === experimentId).map(observe);
  }

  async watch(handler: Watcher['handler']): Promise<{ close(): Promise<void> }> {
    const ended = [...this.#attempts.values()].filter((one) => one.end !== null).map(observe);
    const watcher: Watcher = { handler, queue: ended, busy: null, closed: false };
    this.#watchers.add(watcher);
    deliver(watcher);
    return {
      close: async () => {
        watcher.closed = true;
        this.#watchers.delete(watcher);
        await watcher.busy;
      },
    };
  }

  async forget(attempts: readonly AttemptRef[]): Promise<void> {
    for (const { attemptId } of attempts) {
      if (this.#attempts.get(attemptId)?.end != null) this.#attempts.delete(attemptId);
    }
  }

  async clear(experimentId: string): Promise<void> {
    await this.forget(await this.list(experimentId));
  }

  /** Ends a running attempt from outside, as a lost node would. */
  kill(attemptId: string, outcome: AttemptEnd['outcome'] = 'disrupted'): void {
    const attempt = this.#attempts.get(attemptId);
    if (attempt !== undefined) this.#end(attempt, outcome, 'killed from outside', null);
  }

  /** Drops all knowledge of an attempt. */
  lose(attemptId: string): void {
    for (const timer of this.#attempts.get(attemptId)?.timers ?? []) clearTimeout(timer);
    this.#attempts.delete(attemptId);
  }

  close(): void {
    for (const attempt of this.#attempts.values()) for (const timer of attempt.timers) clearTimeout(timer);
  }

  #start(launch: AttemptLaunch): Attempt {
    const attempt: Attempt = { launch, script: this.#scriptOf(launch), end: null, timers: [] };
    const { script } = attempt;
    this.#attempts.set(launch.attemptId, attempt);
    this.starts.set(launch.attemptId, (this.starts.get(launch.attemptId) ?? 0) + 1);
    this.peakAlive = Math.max(this.peakAlive, [...this.#attempts.values()].filter((one) => one.end === null).length);
    if (script.do === 'end') {
      const { outcome, message } = script;
      const finish = () => void this.#finish(attempt, outcome, message ?? `ends as ${outcome}`);
      if (script.afterMs === undefined || script.afterMs === 0) finish();
      else attempt.timers.push(setTimeout(finish, script.afterMs));
    }
    const deadline = launch.deadlineSeconds;
    if (deadline !== null && attempt.end === null) {
      attempt.timers.push(setTimeout(() => this.#stop(attempt, launch.graceSeconds, 'timed-out'), deadline * 1000));
    }
    return attempt;
  }

  #scriptOf(launch: AttemptLaunch): Script {
    try {
      return this.#options.script(launch);
    } catch (error) {
      return { do: 'end', outcome: 'crashed', message: (error as Error).message };
    }
  }

  async #finish(attempt: Attempt, outcome: AttemptEnd['outcome'], message: string): Promise<void> {
    const { writeResult } = this.#options;
    if (writeResult !== undefined && (outcome === 'succeeded' || outcome === 'diverged')) {
      await writeResult(attempt.launch, outcome);
    }
    this.#end(attempt, outcome, message, outcome === 'succeeded' ? 0 : null);
  }

  #stop(attempt: Attempt, graceSeconds: number, outcome: 'disrupted' | 'timed-out'): void {
    if (attempt.end !== null) return;
    const end = () => this.#end(attempt, outcome, `stopped: ${outcome}`, outcome === 'disrupted' ? 75 : null);
    if (attempt.script.do === 'ignore-stop') attempt.timers.push(setTimeout(end, graceSeconds * 1000));
    else end();
  }

  #end(attempt: Attempt, outcome: AttemptEnd['outcome'], message: string, exitCode: number | null): void {
    if (attempt.end !== null) return;
    for (const timer of attempt.timers.splice(0)) clearTimeout(timer);
    const subject = attempt.script.do === 'end' ? attempt.script.subject : undefined;
    const end = { outcome, message, exitCode, node: 'instant-node', endedAt: new Date().toISOString() };
    attempt.end = { ...end, ...(subject !== undefined && { subject }) };
    for (const watcher of this.#watchers) {
      watcher.queue.push(observe(attempt));
      deliver(watcher);
    }
  }
}

function observe({ launch, end }: Attempt): AttemptObservation {
  return { ...refOf(launch), state: end === null ? 'running' : 'ended', reason: null, end };
}

/** One call at a time; what ends meanwhile comes with the next, and a failed batch comes again. */
function deliver(watcher: Watcher): void {
  watcher.busy ??= (async () => {
    await sleep(1);
    while (watcher.queue.length > 0 && !watcher.closed) {
      const batch = watcher.queue.splice(0);
      try {
        await watcher.handler(batch);
      } catch {
        watcher.queue.unshift(...batch);
        await sleep(20);
      }
    }
    watcher.busy = null;
  })();
}
