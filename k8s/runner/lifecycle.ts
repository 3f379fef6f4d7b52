/**
 * Follows attempts from news to news until each has ended, been diagnosed, handed over and let go of. The diagnosis runs
 * up to three times: without files, to see whether the attempt has ended (`endReadiness`); with the trainer's files, for
 * its end (`finalize`); and once more with events, where those do not say why.
 */

import type { AttemptEnd, AttemptObservation } from '@lamina/domain/contract/runner.ts';
import pLimit from 'p-limit';
import { PODS } from '../client/resources.ts';
import { type AttemptEntry, livePods } from '../watch/attempts.ts';
import { endedObservation, endReadiness, stuckPods } from './attempt-state.ts';
import type { Deliveries } from './deliveries.ts';
import { type FinalizeContext, finalize } from './finalize.ts';
import type { WarningEvents } from './warning-events.ts';

export interface LifecycleOptions extends FinalizeContext {
  readonly warnings: WarningEvents;
  entries(): Iterable<AttemptEntry>;
  drop(entry: AttemptEntry): void;
  /** Its end is known from now on. */
  ended(entry: AttemptEntry): void;
}

const TICK_MS = 5_000;
/**
 * What brings no news of its attempt is looked at every so many ticks: a wait that became too long, and a node that no
 * longer answers, because news of nodes is kept without waking the attempts on them.
 */
const ALL_EVERY = 6;
const FINALIZED_AT_ONCE = 16;
const DISMISSED_MS = 60_000;
/** Longer than any run takes to record an end; then only a relaunch of the same attempt could ask for it. */
const KEPT_WITHOUT_JOB_MS = 15 * 60_000;

export class Lifecycle {
  private readonly options: LifecycleOptions;
  private readonly deliveries = new Set<Deliveries>();
  private readonly finalizing = new Map<AttemptEntry, Promise<AttemptEnd>>();
  private readonly timers = new Map<AttemptEntry, NodeJS.Timeout>();
  private readonly limit = pLimit(FINALIZED_AT_ONCE);
  private readonly ticking: NodeJS.Timeout;
  private ticks = 0;
  private closed = false;

  constructor(options: LifecycleOptions) {
    this.options = options;
    this.ticking = setInterval(() => this.tick(), TICK_MS).unref();
  }

  /** Something about the attempt has changed. */
  changed(entry: AttemptEntry): void {
    try {
      this.follow(entry);
    } catch (error) {
      // One attempt that cannot be understood must not stop the news of all others.
      this.options.log.error({ err: error, attemptId: entry.ref.attemptId }, 'the attempt cannot be understood');
    }
  }

  private follow(entry: AttemptEntry): void {
    if (this.closed || entry.dismissed) return;
    if (entry.end !== null) {
      // Its Job was there when it ended and is gone now: the end has been recorded, by whichever worker.
      const { jobGoneAtMs, endSeenAtMs } = entry;
      const letGo = jobGoneAtMs !== null && endSeenAtMs !== null && endSeenAtMs < jobGoneAtMs;
      if (letGo && !this.owed(entry)) entry.dismissed = true;
      return;
    }
    const context = this.options.contextOf(entry);
    const ready = endReadiness(entry, context);
    if (ready === 'alive') return;
    entry.endSeenAtMs ??= context.nowMs;
    if (ready === 'ended') this.finalize(entry);
    else this.lookAgain(entry, ready);
  }

  /** The end, once it is found; null where the attempt is alive. */
  async endOf(entry: AttemptEntry): Promise<AttemptEnd | null> {
    if (entry.end !== null) return entry.end;
    return (await this.finalizing.get(entry)) ?? null;
  }

  /** An end that the cluster did not say. Only the leader hands it over; another worker's run finds it when it lists. */
  finish(entry: AttemptEntry, end: AttemptEnd): void {
    entry.end ??= end;
    entry.endSeenAtMs ??= Date.now();
    this.deliver(entry);
  }

  add(deliveries: Deliveries): void {
    this.deliveries.add(deliveries);
    if (this.options.leads()) this.deliverAll([deliveries]);
  }

  remove(deliveries: Deliveries): void {
    this.deliveries.delete(deliveries);
  }

  /** This worker hands over ends from now on, also those that the one before it may have handed over already. */
  takeOver(): void {
    this.deliverAll([...this.deliveries]);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.ticking);
    for (const timer of this.timers.values()) clearTimeout(timer);
    await Promise.all([...this.deliveries].map((each) => each.close()));
  }

  private finalize(entry: AttemptEntry): void {
    if (this.finalizing.has(entry)) return;
    const work = this.limit(() => finalize(entry, this.options))
      .then((end) => {
        entry.end = end;
        this.options.log.info({ attemptId: entry.ref.attemptId, outcome: end.outcome }, 'attempt ended');
        this.options.ended(entry);
        this.deliver(entry);
        return end;
      })
      .finally(() => this.finalizing.delete(entry));
    this.finalizing.set(entry, work);
    // The caller that asked for the end gets this error too; it is tried again with the next news.
    work.catch((error: unknown) => {
      this.options.log.error({ err: error, attemptId: entry.ref.attemptId }, 'the attempt cannot be diagnosed');
    });
  }

  private lookAgain(entry: AttemptEntry, inMs: number): void {
    if (this.timers.has(entry)) return;
    const timer = setTimeout(() => {
      this.timers.delete(entry);
      this.changed(entry);
    }, inMs + 1);
    this.timers.set(entry, timer.unref());
  }

  private deliver(entry: AttemptEntry): void {
    if (this.closed || entry.dismissed || entry.end === null || !this.options.leads()) return;
    const observation: AttemptObservation = endedObservation(entry, entry.end);
    for (const each of this.deliveries) each.add(observation);
  }

  private deliverAll(to: readonly Deliveries[]): void {
    for (const entry of this.options.entries()) {
      if (entry.end === null || entry.dismissed) continue;
      for (const each of to) each.add(endedObservation(entry, entry.end));
    }
  }

  private owed(entry: AttemptEntry): boolean {
    return [...this.deliveries].some((each) => each.owes(entry.ref.attemptId));
  }

  private tick(): void {
    this.ticks += 1;
    const all = this.ticks % ALL_EVERY === 0;
    const nowMs = Date.now();
    if (all && this.options.leads()) void this.askForWarnings();
    for (const entry of [...this.options.entries()]) {
      const pods = livePods(entry);
      const gone = entry.jobGoneAtMs !== null && pods.length === 0;
      const ageMs = nowMs - (entry.jobGoneAtMs ?? nowMs);
      if (gone && ageMs > (entry.dismissed ? DISMISSED_MS : KEPT_WITHOUT_JOB_MS) && !this.owed(entry)) {
        this.options.drop(entry);
      } else if (entry.end === null && (all || pods.some((pod) => pod.metadata?.deletionTimestamp !== undefined))) {
        this.changed(entry);
      }
      if (this.options.leads()) this.freeStuck(entry);
    }
  }

  /** Some warnings say that a wait is in vain. */
  private async askForWarnings(): Promise<void> {
    const { warnings, entries } = this.options;
    if (!(await warnings.ask(entries()))) return;
    for (const entry of [...entries()]) if (warnings.about(entry).length > 0) this.changed(entry);
  }

  private freeStuck(entry: AttemptEntry): void {
    const { client, log } = this.options;
    for (const { name, uid, node } of stuckPods(livePods(entry), this.options.contextOf(entry))) {
      log.warn({ attemptId: entry.ref.attemptId, pod: name, node }, 'deleting the pod of a node that does not answer');
      client.remove(PODS, name, { gracePeriodSeconds: 0, uid }).catch((error: unknown) => {
        log.warn({ err: error, pod: name }, 'the pod of a lost node could not be deleted');
      });
    }
  }
}
