/** What to do next: everything that has come together since the last dispatch, as one batch. */
import type { LaunchOrder, RunCommands } from './commands.ts';
import type { Draft } from './draft.ts';
import { aliveCount } from './state.ts';
import type { ActiveTrial } from './types.ts';

/** Bounds on one batch keep payloads far below the 256 KB at which Temporal begins to warn. */
const MAX_STARTS = 100;
const MAX_RECORDS = 300;

/** Takes work out of the draft; null where there is none or a batch is still in flight. */
export function dispatch(draft: Draft, atMs: number): RunCommands | null {
  if (draft.inFlight !== null || draft.status === 'ended') return null;
  const setState = draft.statusUnsaved ? draft.status : null;
  const records = draft.records.splice(0, MAX_RECORDS);
  const stops = draft.stops.splice(0, MAX_RECORDS);
  const launches = takeDue(draft, atMs);
  const claim = takeClaim(draft, launches.length);
  const reconcile = draft.reconcileDue && aliveCount(draft) > 0;
  const finish = mayFinish(draft) && records.length === 0 && stops.length === 0 && claim === null;
  const cancelPending = draft.cancelPending || (finish && draft.status === 'cancelling');
  const idle = records.length + stops.length + launches.length === 0 && claim === null;
  draft.reconcileDue = false;
  if (idle && setState === null && !cancelPending && !reconcile && !finish) return null;

  draft.statusUnsaved = false;
  draft.cancelPending = false;
  draft.inFlight = {
    recording: records.filter((one) => one.state !== null).map((one) => one.trialId),
    claim: claim === null ? null : { limit: claim.limit, wakes: draft.wakes },
    setState: setState !== null,
    finish: finish ? { wakes: draft.wakes } : null,
  };
  const finishing = finish ? { cancelling: draft.status === 'cancelling' } : null;
  return { setState, records, stops, cancelPending, launches, claim, reconcile, finish: finishing };
}

function takeDue(draft: Draft, atMs: number): LaunchOrder[] {
  if (draft.status !== 'running') return [];
  const slots = Math.min(MAX_STARTS, draft.policy.maxParallel - aliveCount(draft));
  const due = Object.values(draft.active).filter((trial) => trial.phase === 'waiting' && trial.dueAtMs <= atMs);
  due.sort((a, b) => a.dueAtMs - b.dueAtMs);
  return due.slice(0, Math.max(0, slots)).map((trial: ActiveTrial) => {
    draft.active[trial.trialId] = { ...trial, phase: 'launching' };
    return { trialId: trial.trialId, attempt: trial.attempt, plan: trial.plan };
  });
}

function takeClaim(draft: Draft, launches: number): RunCommands['claim'] {
  if (draft.status !== 'running' || draft.exhausted) return null;
  const limit = Math.min(MAX_STARTS - launches, draft.policy.maxParallel - aliveCount(draft));
  if (limit <= 0) return null;
  const batch = draft.nextBatch;
  draft.nextBatch += 1;
  return { batch, limit, hints: draft.hints };
}

function mayFinish(draft: Draft): boolean {
  if (draft.finishHeld || draft.statusUnsaved) return false;
  for (const _ in draft.active) return false;
  return draft.exhausted || draft.status === 'cancelling';
}
