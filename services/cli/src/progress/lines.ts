/** Progress as lines that stay: for pipes, logs and CI. One line per change of a trial; steps now and then. */

import type { StreamEvent } from '@lamina/domain/contract/api.ts';
import { blockedText } from '@lamina/domain/contract/blocked-text.ts';
import { trialHasEnded } from '@lamina/domain/vocabulary/states.ts';
import { clock } from '../format/time.ts';
import { endedCount, type Progress } from './state.ts';
import { phaseText, waitingText } from './words.ts';

/** A running trial says how far it is at most this often. */
export const STEP_LINE_EVERY_MS = 30_000;

/**
 * The line for a change from `before` to `after`; null where it says nothing new.
 * @param lastStepLineMs when this trial last had a line about its steps
 */
export function progressLine(
  before: Progress,
  after: Progress,
  event: StreamEvent,
  nowMs: number,
  lastStepLineMs: number,
): string | null {
  const at = clock(nowMs);
  switch (event.type) {
    case 'experiment':
      return experimentLine(before.experiment, after.experiment, nowMs);
    case 'trial': {
      const [known, trial] = [before.trials.get(event.data.trialId), after.trials.get(event.data.trialId)];
      if (trial === undefined || (known?.state === trial.state && known.attempts === trial.attempts)) return null;
      const reason = trial.message === null ? '' : `: ${trial.message}`;
      const ended = trialHasEnded(trial.state) ? `  (${endedCount(after)} of ${after.trials.size})` : '';
      return `${at}  ${nameOf(after, trial)}  ${trial.state}${reason}${ended}`;
    }
    case 'metrics': {
      const trial = after.trials.get(event.data.trialId);
      if (trial?.state !== 'running' || trial.step === null || nowMs - lastStepLineMs < STEP_LINE_EVERY_MS) return null;
      return `${at}  ${nameOf(after, trial)}  ${phaseText(trial)}`;
    }
    case 'attempt': {
      const [known, trial] = [before.trials.get(event.data.trialId), after.trials.get(event.data.trialId)];
      if (trial === undefined || trial.waiting === null || known?.waiting?.text === trial.waiting.text) return null;
      return `${at}  ${nameOf(after, trial)}  ${waitingText(trial.waiting)}`;
    }
  }
}

function experimentLine(
  before: Progress['experiment'],
  { state, blocked }: Progress['experiment'],
  nowMs: number,
): string | null {
  const at = clock(nowMs);
  if (before.state !== state) return `${at}  experiment ${state}`;
  if (blocked === null) return before.blocked === null ? null : `${at}  experiment not blocked any more`;
  const isKnown = before.blocked?.activity === blocked.activity && before.blocked.retrying === blocked.retrying;
  return isKnown ? null : `${at}  experiment ${blockedText(blocked, `since ${clock(Date.parse(blocked.since))}`)}`;
}

function nameOf({ cells }: Progress, { cellId, seed }: { readonly cellId: string; readonly seed: number }): string {
  return `${cells.find(({ id }) => id === cellId)?.label ?? cellId}, seed ${seed}`;
}
