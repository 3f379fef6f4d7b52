/** What is known of a running experiment, and how events change it. Pure: the same events give the same state. */
import type { ExperimentDetail, ExperimentView, StreamEvent, TrialView } from '@lamina/domain/contract/api.ts';
import { hasEnded as experimentHasEnded, type TrialState, trialHasEnded } from '@lamina/domain/vocabulary/states.ts';

export interface TrialProgress {
  readonly id: string;
  readonly cellId: string;
  readonly seed: number;
  readonly state: TrialState;
  readonly attempts: number;
  readonly message: string | null;
  readonly phase: string | null;
  readonly step: number | null;
  readonly steps: number | null;
  /** Why its attempt does not run yet. */
  readonly waiting: TrialView['waiting'];
  /** Loss of the newest training step. */
  readonly trainingLoss: number | null;
  /** Speed at the newest training step; once there is a result, that of its measured steps. */
  readonly tokensPerSecond: number | null;
  /** Memory in use at the newest training step: the device's, or on a CPU the process's. */
  readonly memoryBytes: number | null;
  /** Held-out, after training; null until the result is known. */
  readonly heldOutLoss: number | null;
}

export interface Progress {
  readonly experiment: Omit<ExperimentDetail, 'cellList'>;
  readonly cells: readonly { readonly id: string; readonly label: string }[];
  readonly trials: ReadonlyMap<string, TrialProgress>;
  /** A trial was heard of that the snapshot did not hold (the matrix was extended): look again. */
  readonly outdated: boolean;
}

export function progressOf({ cellList, ...experiment }: ExperimentDetail, trials: readonly TrialView[]): Progress {
  return {
    experiment,
    cells: cellList.map(({ id, label }) => ({ id, label })),
    trials: new Map(trials.map((trial) => [trial.id, trialProgress(trial)])),
    outdated: false,
  };
}

export function trialProgress(trial: TrialView): TrialProgress {
  return {
    id: trial.id,
    cellId: trial.cellId,
    seed: trial.seed,
    state: trial.state,
    attempts: trial.attempts,
    message: trial.message,
    phase: trial.phase,
    step: trial.step,
    steps: trial.steps,
    waiting: trial.waiting,
    trainingLoss: null,
    tokensPerSecond: trial.tokensPerSecond,
    memoryBytes: null,
    heldOutLoss: trial.trained?.loss ?? null,
  };
}

/** Events that the snapshot is ahead of change nothing: a stream may start before it. */
export function applyEvent(progress: Progress, event: StreamEvent): Progress {
  switch (event.type) {
    case 'experiment': {
      const { state, blocked = hasEnded(event.data) ? null : progress.experiment.blocked } = event.data;
      return { ...progress, experiment: { ...progress.experiment, state, blocked } };
    }
    case 'trial': {
      const { trialId, state, attempts, message } = event.data;
      const known = progress.trials.get(trialId);
      if (known === undefined) return { ...progress, outdated: true };
      if (isStale(known, event.data)) return progress;
      const restarted = attempts > known.attempts || state === 'pending';
      return withTrial(progress, { ...known, ...(restarted ? NOT_STARTED : {}), state, attempts, message });
    }
    case 'metrics': {
      const { trialId, phase, step, steps, loss, tokensPerSecond, memoryBytes } = event.data;
      const known = progress.trials.get(trialId);
      if (known === undefined || trialHasEnded(known.state)) return progress;
      return withTrial(progress, {
        ...known,
        waiting: null,
        phase: phase ?? known.phase,
        step: step ?? known.step,
        steps: steps ?? known.steps,
        trainingLoss: loss ?? known.trainingLoss,
        tokensPerSecond: tokensPerSecond ?? known.tokensPerSecond,
        memoryBytes: memoryBytes ?? known.memoryBytes,
      });
    }
    case 'attempt': {
      const { trialId, attempt, waiting } = event.data;
      const known = progress.trials.get(trialId);
      if (waiting === undefined || known?.state !== 'running' || known.attempts !== attempt) return progress;
      return withTrial(progress, { ...known, waiting });
    }
  }
}

export function withTrial(progress: Progress, trial: TrialProgress): Progress {
  return { ...progress, trials: new Map(progress.trials).set(trial.id, trial) };
}

/** Trials by state, counted from what is known of each. */
export function stateCounts({ trials }: Progress): Readonly<Partial<Record<TrialState, number>>> {
  const counts: Partial<Record<TrialState, number>> = {};
  for (const { state } of trials.values()) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

export function endedCount(progress: Progress): number {
  return [...progress.trials.values()].filter(({ state }) => trialHasEnded(state)).length;
}

export function hasEnded({ state }: Pick<ExperimentView, 'state'>): boolean {
  return experimentHasEnded(state);
}

const NOT_STARTED = {
  phase: null,
  step: null,
  steps: null,
  waiting: null,
  trainingLoss: null,
  tokensPerSecond: null,
  memoryBytes: null,
  heldOutLoss: null,
} as const;

/** Only a reset (to `pending`) brings a trial back from its end without a further attempt. */
function isStale(known: TrialProgress, event: { readonly state: TrialState; readonly attempts: number }): boolean {
  if (event.attempts < known.attempts) return true;
  const back = trialHasEnded(known.state) && !trialHasEnded(event.state) && event.state !== 'pending';
  return back && event.attempts === known.attempts;
}
