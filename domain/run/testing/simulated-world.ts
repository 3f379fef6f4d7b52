/**
 * A store, a runner and a network for the run reducer's property tests: they lose, repeat and reorder messages,
 * execute batches more than once and forget attempts, and note every broken invariant in `violations`.
 */
import type { Plan } from '../../contract/trial.ts';
import { FAILURE_CLASSES, type FailureClass } from '../../failures/registry.ts';
import type { TrialState } from '../../vocabulary/states.ts';
import type { RunCommands } from '../commands.ts';
import type { ClaimedAttempt, DispatchResult, EndedAttempt, RunEvent, SeenAttempt } from '../events.ts';
import { finalState } from '../finish.ts';
import { applyHint } from '../hints.ts';
import { initialState, type RunState } from '../protocol/state.ts';
import type { Step } from '../protocol/step.ts';
import type { RunPolicy } from '../types.ts';
import { pendingTrial, type Running, type StoredTrial, trialHasEnded } from './simulated-trials.ts';

export type StepFunction = (state: RunState, event: RunEvent) => Step;

const OUTCOMES = ['succeeded', 'succeeded', 'succeeded', 'diverged', ...FAILURE_CLASSES] as const;
const MINUTE = 60_000;

export class SimulatedWorld {
  readonly violations: string[] = [];
  readonly trials = new Map<string, StoredTrial>();
  readonly runner = new Map<string, Running>();
  state: RunState;
  #signals: EndedAttempt[] = [];
  #commands: RunCommands | null = null;
  #result: DispatchResult | null = null;
  #cancelled = false;
  /** Trials that were found not worth going on with while they were under way. */
  readonly #pruned = new Set<string>();
  #atMs = 0;
  readonly #step: StepFunction;
  readonly #policy: RunPolicy;

  constructor(step: StepFunction, policy: RunPolicy, trials: number) {
    this.#step = step;
    this.#policy = policy;
    this.state = initialState(policy, 'running');
    this.addTrials(trials);
  }

  addTrials(count: number): void {
    for (let i = 0; i < count; i += 1) {
      this.trials.set(`trial-${this.trials.size}`, pendingTrial(this.trials.size));
    }
  }

  /** One thing happens; `a` and `b` choose which one of its kind. */
  act(operation: string, a: number, b: number): void {
    switch (operation) {
      case 'dispatch':
        return this.dispatch();
      case 'execute':
        return this.#execute();
      case 'deliver':
        return this.deliver();
      case 'end':
        return this.#end(a, b);
      case 'signal':
        return this.#signal(a, b % 2 === 0);
      case 'drop':
        this.#signals.splice(a % (this.#signals.length || 1), 1);
        return;
      case 'lose':
        return this.#lose(a);
      case 'orphan':
        return this.#orphan(a, b);
      case 'zombie':
        return this.#zombie(a);
      case 'silence':
        return this.#silence(a);
      case 'time':
        this.#atMs += (1 + (a % 60)) * 1000;
        return;
      case 'reconcile':
        return this.#hear({ type: 'reconcile-due', atMs: this.#atMs });
      case 'prune':
        return this.#prune(a, b);
      case 'pause':
        return this.#hear({ type: 'paused', atMs: this.#atMs });
      case 'resume':
        return this.#hear({ type: 'resumed', atMs: this.#atMs });
      case 'wake':
        if (this.state.status === 'ended') this.#cancelled = false;
        return this.#hear({ type: 'woken', atMs: this.#atMs });
      case 'cancel':
        return this.#cancel();
      case 'extend':
        this.addTrials(1 + (a % 3));
        return this.#lookAgain();
      case 'retry':
        return this.#retry();
      case 'restart':
        this.state = JSON.parse(JSON.stringify(this.state)) as RunState;
        return;
      default:
        throw new Error(`unknown operation ${operation}`);
    }
  }

  dispatch(): void {
    const { state, commands } = this.#step(this.state, { type: 'dispatch', atMs: this.#atMs });
    this.state = state;
    if (commands === null) return;
    if (this.#commands !== null) this.violations.push('two batches in flight');
    if (this.#cancelled && (commands.claim !== null || commands.launches.length > 0)) {
      this.violations.push('something starts after cancel');
    }
    for (const { trialId } of commands.launches) {
      if (this.#pruned.has(trialId)) this.violations.push(`${trialId} was pruned and goes on`);
    }
    for (const record of commands.records) {
      if (record.state === 'pruned' && !this.#pruned.has(record.trialId))
        this.violations.push(`${record.trialId} is pruned without a reason`);
      if (record.end?.outcome === 'succeeded' && record.state !== 'succeeded')
        this.violations.push(`${record.trialId} has succeeded and is recorded as ${record.state}`);
      const before = this.#trial(record.trialId).state;
      if (trialHasEnded(before) && !(before === 'cancelled' && record.state === 'cancelled')) {
        this.violations.push(`${record.trialId} is ${before} and ends again as ${record.state}`);
      }
    }
    this.#commands = commands;
    this.#result = null;
  }

  deliver(): void {
    if (this.#commands === null) return;
    if (this.#result === null) this.#execute();
    const result = this.#result as DispatchResult | null;
    this.#commands = null;
    this.#result = null;
    if (result !== null) this.#hear({ type: 'dispatched', atMs: this.#atMs, result });
  }

  /** Lets everything come to its end; false where it does not within its bound. */
  drain(choice: number): boolean {
    this.act('resume', 0, 0);
    const bound = 100 + this.trials.size * (this.#policy.maxAttempts + 2) * 3;
    for (let round = 0; round < bound; round += 1) {
      this.#atMs += 10 * MINUTE;
      this.dispatch();
      this.deliver();
      if (this.state.status === 'ended') return true;
      for (let i = this.#alive().length; i > 0; i -= 1) this.#end(choice + i, choice + round + i);
      if ((choice + round) % 3 === 0) this.#signals = [];
      while (this.#signals.length > 0) this.#signal(0, false);
      this.act('reconcile', 0, 0);
    }
    return false;
  }

  /** What must hold when the run has ended. */
  checkEnded(): void {
    for (const [id, trial] of this.trials) {
      if (!trialHasEnded(trial.state)) this.violations.push(`${id} is still ${trial.state} at the end`);
    }
    for (const one of this.runner.values()) {
      if (one.end === null && !one.stopAsked)
        this.violations.push(`${one.trialId}/${one.attempt} is alive and not owned`);
    }
  }

  #hear(event: RunEvent): void {
    this.state = this.#step(this.state, event).state;
  }

  #trial(id: string): StoredTrial {
    const trial = this.trials.get(id);
    if (trial === undefined) throw new Error(`no trial ${id}`);
    return trial;
  }

  #alive(): Running[] {
    return [...this.runner.values()].filter((one) => one.end === null);
  }

  /** At least once: the network may lose the answer, then everything is done again. */
  #execute(): void {
    const commands = this.#commands;
    if (commands === null) return;
    const refused: { trialId: string; attempt: number; message: string }[] = [];
    for (const { trialId, attempt, state, end } of commands.records) {
      const trial = this.#trial(trialId);
      if (end?.outcome === 'succeeded' && end.message === 'no result') {
        refused.push({ trialId, attempt, message: 'result.json is missing' });
        if (!trialHasEnded(trial.state)) trial.state = 'retrying';
      } else if (!trialHasEnded(trial.state)) trial.state = state ?? 'retrying';
      if (end?.outcome === 'gpu-fault' && end.node !== null) trial.excluded.add(end.node);
    }
    for (const { trialId, attempt } of commands.stops) {
      const one = this.runner.get(`${trialId}/${attempt}`);
      if (one !== undefined) one.stopAsked = true;
    }
    if (commands.cancelPending) {
      for (const trial of this.trials.values()) {
        if (trial.state === 'pending' || trial.state === 'retrying') trial.state = 'cancelled';
      }
    }
    const ended: EndedAttempt[] = [];
    for (const { trialId, attempt, plan } of commands.launches) this.#launch(trialId, attempt, plan, ended);
    const claimed = commands.claim === null ? [] : this.#claim(commands.claim, ended);
    const seen = commands.reconcile ? this.#list() : null;
    this.#result = { refused, ended, claimed, seen, finished: this.#finish(commands.finish) };
  }

  #claim(claim: NonNullable<RunCommands['claim']>, ended: EndedAttempt[]): ClaimedAttempt[] {
    const again = [...this.trials].filter(([, trial]) => trial.batch === claim.batch && !trialHasEnded(trial.state));
    const taken =
      again.length > 0
        ? again
        : [...this.trials].filter(([, trial]) => trial.state === 'pending').slice(0, claim.limit);
    return taken.map(([trialId, trial]) => {
      if (again.length === 0) {
        trial.batch = claim.batch;
        trial.state = 'running';
        trial.attemptsBefore = trial.attempts;
        trial.excluded.clear();
      }
      const likeKey = `like-${trial.plan.microBatch}`;
      const plan = applyHint(trial.plan, claim.hints[likeKey]);
      const attempt = trial.attemptsBefore + 1;
      this.#launch(trialId, attempt, plan, ended);
      return { trialId, attempt, likeKey, plan };
    });
  }

  #launch(trialId: string, attempt: number, plan: Plan, ended: EndedAttempt[]): void {
    const key = `${trialId}/${attempt}`;
    const trial = this.#trial(trialId);
    if (trial.attempts <= attempt && !trialHasEnded(trial.state)) trial.state = 'running';
    const known = this.runner.get(key);
    if (known !== undefined) {
      if (known.end !== null) ended.push({ trialId, attempt, end: known.end });
      return;
    }
    // An answer that was lost is no reason to launch again what has ended and been forgotten.
    if (trial.attempts >= attempt) return;
    if (trial.attempts + 1 !== attempt) this.violations.push(`${key} follows attempt ${trial.attempts}`);
    if (attempt - trial.attemptsBefore > this.#policy.maxAttempts) this.violations.push(`${key} is beyond maxAttempts`);
    if (plan.microBatch * plan.accumulation !== trial.plan.microBatch * trial.plan.accumulation) {
      this.violations.push(`${key} changes the effective batch`);
    }
    for (const node of trial.excluded) {
      if (!plan.excludedNodes.includes(node)) {
        this.violations.push(`${key} may run on the faulty ${node}`);
      }
    }
    const alive = this.#alive().filter((one) => !one.orphan);
    if (alive.some((one) => one.trialId === trialId))
      this.violations.push(`${key} while another attempt of its trial was alive`);
    if (alive.length >= this.#policy.maxParallel)
      this.violations.push(`${key} while ${alive.length} others were alive`);
    trial.attempts = attempt;
    trial.state = 'running';
    this.#plant(trialId, attempt, false);
  }

  #plant(trialId: string, attempt: number, orphan: boolean): void {
    const running: Running = { trialId, attempt, orphan, stopAsked: false, silent: false, end: null };
    this.runner.set(`${trialId}/${attempt}`, running);
  }

  #list(): SeenAttempt[] {
    return [...this.runner.values()].map(({ trialId, attempt, end, silent }) => ({
      trialId,
      attempt,
      end,
      reason: null,
      state: end === null ? 'running' : 'ended',
      aliveMs: 0,
      silentMs: silent ? MINUTE * 60 : 0,
    }));
  }

  #finish(finish: RunCommands['finish']): DispatchResult['finished'] {
    if (finish === null) return null;
    for (const one of this.runner.values()) one.stopAsked = true;
    const counts: Partial<Record<TrialState, number>> = {};
    for (const { state } of this.trials.values()) counts[state] = (counts[state] ?? 0) + 1;
    const final = finalState(counts, finish.cancelling);
    if (final === null) this.#release();
    return final;
  }

  #end(a: number, b: number): void {
    const alive = this.#alive();
    const one = alive[a % (alive.length || 1)];
    if (one === undefined) return;
    const outcome = one.stopAsked && b % 5 !== 0 ? 'disrupted' : (OUTCOMES[b % OUTCOMES.length] as FailureClass);
    const message = (outcome as string) === 'succeeded' && b % 4 === 0 ? 'no result' : 'ended';
    const node = b % 2 === 0 ? null : `node-${b % 3}`;
    one.end = { outcome, message, exitCode: null, node, endedAt: new Date(this.#atMs).toISOString() };
    this.#signals.push({ trialId: one.trialId, attempt: one.attempt, end: one.end });
  }

  #signal(a: number, keep: boolean): void {
    const at = a % (this.#signals.length || 1);
    const signal = this.#signals[at];
    if (signal === undefined) return;
    if (!keep) this.#signals.splice(at, 1);
    this.#hear({ type: 'attempts-ended', atMs: this.#atMs, attempts: keep ? [signal, signal] : [signal] });
  }

  #lose(a: number): void {
    const alive = this.#alive();
    const one = alive[a % (alive.length || 1)];
    if (one !== undefined) this.runner.delete(`${one.trialId}/${one.attempt}`);
  }

  #orphan(a: number, b: number): void {
    if (this.state.status === 'ended' || this.#commands?.finish != null) return;
    const trialId = b % 2 === 0 ? 'trial-unknown' : `trial-${a % Math.max(1, this.trials.size)}`;
    const attempt = 1000 + a;
    this.#plant(trialId, attempt, true);
  }

  /** An execution of a batch that was given up for dead claims and launches after all. */
  #zombie(a: number): void {
    const pending = [...this.trials].filter(([, trial]) => trial.state === 'pending' && trial.batch === null);
    const taken = pending[a % (pending.length || 1)];
    if (taken === undefined || this.state.status === 'ended' || this.#commands?.finish != null) return;
    const [trialId, trial] = taken;
    trial.state = 'running';
    trial.batch = -1;
    trial.attempts += 1;
    const attempt = trial.attempts;
    this.#plant(trialId, attempt, true);
  }

  /** What no run owns is pending again. */
  #release(): void {
    for (const trial of this.trials.values()) {
      if (trialHasEnded(trial.state)) continue;
      trial.batch = null;
      trial.state = 'pending';
    }
    this.#pruned.clear();
  }

  #silence(a: number): void {
    const alive = this.#alive();
    const one = alive[a % (alive.length || 1)];
    if (one !== undefined) one.silent = true;
  }

  #prune(a: number, b: number): void {
    const known = [...this.trials.keys()];
    const trialId = b % 7 === 0 ? 'trial-unknown' : (known[a % (known.length || 1)] ?? 'trial-unknown');
    const trial = this.state.active[trialId];
    if (trial !== undefined && trial.phase !== 'recording') this.#pruned.add(trialId);
    this.#hear({ type: 'pruned', atMs: this.#atMs, trials: [{ trialId, message: 'behind others' }] });
  }

  #cancel(): void {
    if (this.state.status !== 'ended') this.#cancelled = true;
    this.#hear({ type: 'cancelled', atMs: this.#atMs });
  }

  #lookAgain(): void {
    if (this.state.status === 'ended') this.#begin();
    else this.#hear({ type: 'woken', atMs: this.#atMs });
  }

  #retry(): void {
    if (this.state.status === 'cancelling') return;
    for (const [id, trial] of this.trials) {
      if (trial.state !== 'failed' && trial.state !== 'cancelled' && trial.state !== 'pruned') continue;
      this.#pruned.delete(id);
      trial.state = 'pending';
      trial.batch = null;
    }
    this.#lookAgain();
  }

  /** A new run of the workflow under the same id. */
  #begin(): void {
    this.#cancelled = false;
    this.#release();
    this.state = initialState(this.#policy, 'running');
  }
}
