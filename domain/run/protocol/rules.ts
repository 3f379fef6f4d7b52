/**
 * The protocol of running experiments: every decision on which activities and timers a run asks for, and when its history
 * is cut off.
 *
 * A run that is under way is replayed from its history, also by later releases. Temporal compares the commands, their
 * order and their types; where they differ, the run stands still. What is decided otherwise from now on must therefore
 * still be decided as before for histories that exist: by `patched` in the workflow, or by the version of what a run
 * carries (`versions.ts`). Payloads and durations may change: whether there is a timer is protocol, how long it runs is not.
 *
 * The table is not frozen, because a test replaces each entry within the sandbox of a workflow, to show that recorded
 * histories then no longer replay. `tests/replay/mistakes.ts` has a mistake for every entry; a new entry needs one.
 */
import type { RunCommands } from '../commands.ts';
import type { ActiveTrial } from '../types.ts';
import { decide } from './policy/table.ts';
import { aliveCount, type RunState, type RunStatus } from './state.ts';
import { verdict } from './verdict.ts';

export const RULES = {
  /** Attempts that one batch starts at most: payloads stay far below the 256 KB at which Temporal begins to warn. */
  maxStarts: 100,

  /** Records, and stops, of one batch at most. */
  maxRecords: 300,

  /**
   * Events after which a history is cut off. A worker that takes a run over reads all of it first, while the run stands
   * still: with what the server suggests (about four thousand) that takes seconds.
   */
  longHistory: 1_000,

  /** What follows the failure of an attempt. */
  decide,

  /** Why an attempt that is alive has to be stopped. */
  verdict,

  /** When the next attempt may start; 0: at once, which needs no timer. */
  dueAtMs: (delayMs: number, nowMs: number): number => (delayMs === 0 ? 0 : nowMs + delayMs),

  isDue: (trial: ActiveTrial, nowMs: number): boolean => trial.phase === 'waiting' && trial.dueAtMs <= nowMs,

  /** Whether attempts may start. */
  mayStart: (status: RunStatus): boolean => status === 'running',

  /** Whether a claim has emptied the pool: nothing is claimed until the run is woken. */
  isExhausted: (claimed: number, limit: number): boolean => claimed < limit,

  /** Whether ends of attempts that the run does not know may belong to a claim in flight. */
  keepsEarly: ({ inFlight }: Pick<RunState, 'inFlight'>): boolean => inFlight !== null && inFlight.claim !== null,

  /** Whether a batch is not worth an activity. */
  isNothing: ({ setState, records, stops, cancelPending, launches, claim, reconcile, finish }: RunCommands): boolean =>
    records.length + stops.length + launches.length === 0 &&
    setState === null &&
    !cancelPending &&
    claim === null &&
    !reconcile &&
    finish === null,

  /** Whether nothing is left to do but to end, before the batch's own work is looked at. */
  mayFinish: ({ finishHeld, statusUnsaved, active, exhausted, status }: RunState): boolean => {
    if (finishHeld || statusUnsaved) return false;
    for (const _ in active) return false;
    return exhausted || status === 'cancelling';
  },

  /** The next time at which a waiting trial becomes startable; null where none waits for a time, or nothing may start. */
  nextDueMs: (state: RunState, nowMs: number): number | null => {
    if (state.status !== 'running') return null;
    let due: number | null = null;
    for (const trial of Object.values(state.active)) {
      if (trial.phase !== 'waiting' || trial.dueAtMs <= nowMs) continue;
      if (due === null || trial.dueAtMs < due) due = trial.dueAtMs;
    }
    return due;
  },

  /** Whether a look at the runner can bring news. */
  needsReconcile: (state: RunState): boolean => state.status !== 'ended' && (state.finishHeld || aliveCount(state) > 0),

  /** Whether the store knows the run's status: until then the answer to a pause, resume or cancel waits, for a while. */
  isStatusSaved: ({ statusUnsaved, inFlight }: RunState): boolean => !statusUnsaved && inFlight?.setState !== true,
};
