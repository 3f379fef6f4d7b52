/** What to do next: everything that has come together since the last dispatch, as one batch. */
import type { LaunchOrder, RunCommands } from '../commands.ts';
import type { ActiveTrial } from '../types.ts';
import type { Draft } from './draft.ts';
import { RULES } from './rules.ts';
import { aliveCount } from './state.ts';

/** Takes work out of the draft; null where there is none or a batch is still in flight. */
export function dispatch(draft: Draft, atMs: number): RunCommands | null {
  if (draft.inFlight !== null || draft.status === 'ended') return null;
  const setState = draft.statusUnsaved ? draft.status : null;
  const records = draft.records.splice(0, RULES.maxRecords);
  const stops = draft.stops.splice(0, RULES.maxRecords);
  const launches = takeDue(draft, atMs);
  const claim = takeClaim(draft, launches.length);
  const reconcile = draft.reconcileDue && aliveCount(draft) > 0;
  const mayFinish = RULES.mayFinish(draft) && records.length === 0 && stops.length === 0 && claim === null;
  const finish = mayFinish ? { cancelling: draft.status === 'cancelling' } : null;
  const cancelPending = draft.cancelPending || finish?.cancelling === true;
  const commands = { setState, records, stops, cancelPending, launches, claim, reconcile, finish };
  draft.reconcileDue = false;
  if (RULES.isNothing(commands)) return null;

  draft.statusUnsaved = false;
  draft.cancelPending = false;
  draft.inFlight = {
    recording: records.filter((one) => one.state !== null).map((one) => one.trialId),
    claim: claim === null ? null : { limit: claim.limit, wakes: draft.wakes },
    setState: setState !== null,
    finish: finish === null ? null : { wakes: draft.wakes },
  };
  return commands;
}

function takeDue(draft: Draft, atMs: number): LaunchOrder[] {
  if (!RULES.mayStart(draft.status)) return [];
  const slots = Math.min(RULES.maxStarts, draft.policy.maxParallel - aliveCount(draft));
  const due = Object.values(draft.active).filter((trial) => RULES.isDue(trial, atMs));
  due.sort((a, b) => a.dueAtMs - b.dueAtMs);
  return due.slice(0, Math.max(0, slots)).map((trial: ActiveTrial) => {
    draft.active[trial.trialId] = { ...trial, phase: 'launching' };
    return { trialId: trial.trialId, attempt: trial.attempt, plan: trial.plan };
  });
}

function takeClaim(draft: Draft, launches: number): RunCommands['claim'] {
  if (!RULES.mayStart(draft.status) || draft.exhausted) return null;
  const limit = Math.min(RULES.maxStarts - launches, draft.policy.maxParallel - aliveCount(draft));
  if (limit <= 0) return null;
  const batch = draft.nextBatch;
  draft.nextBatch += 1;
  return { batch, limit, hints: draft.hints };
}
