import { gibibytes } from '@lamina/domain/results/format.ts';
import type { ExperimentState, TrialState } from '@lamina/domain/vocabulary/states.ts';
import type { ChalkInstance } from 'chalk';
import type { TrialProgress } from './state.ts';

const PHASE_WORDS: Readonly<Record<string, string>> = {
  starting: 'starting',
  generating: 'generating data',
  loading: 'loading the model',
  quantizing: 'quantizing',
  'evaluating-raw': 'scoring the model as cut',
  training: 'training',
  evaluating: 'scoring the trained model',
  measuring: 'measuring the model in use',
  saving: 'saving',
  merging: 'merging the adapter',
  converting: 'writing and measuring GGUF files',
};

/** "training 34/60, loss 3.21, 145 tokens/s, 1.21 GiB". */
export function phaseText(trial: TrialProgress): string {
  if (trial.state === 'retrying') return `waiting to try again${trial.message === null ? '' : ` (${trial.message})`}`;
  if (trial.waiting !== null) return waitingText(trial.waiting);
  const steps = trial.phase === 'training' && trial.step !== null && trial.steps !== null;
  return [
    `${PHASE_WORDS[trial.phase ?? 'starting'] ?? trial.phase}${steps ? ` ${trial.step}/${trial.steps}` : ''}`,
    ...(trial.trainingLoss === null ? [] : [`loss ${trial.trainingLoss.toFixed(3)}`]),
    ...(trial.tokensPerSecond === null ? [] : [`${trial.tokensPerSecond.toFixed(0)} tokens/s`]),
    ...(trial.memoryBytes === null ? [] : [`${gibibytes(trial.memoryBytes)} GiB`]),
    ...(trial.attempts > 1 ? [`attempt ${trial.attempts}`] : []),
  ].join(', ');
}

/** "waits: No node has a free GPU." */
export function waitingText({ text }: NonNullable<TrialProgress['waiting']>): string {
  return `waits: ${text}`;
}

/** What a cell's trials have come to: "loss 2.913, 2.950", "1 failed", "reused". */
export function resultText(trials: readonly TrialProgress[]): string {
  const losses = trials.flatMap(({ heldOutLoss }) => (heldOutLoss === null ? [] : [heldOutLoss.toFixed(3)]));
  const bad = (['failed', 'diverged', 'pruned', 'cancelled'] as const).flatMap((state) => {
    const count = trials.filter((trial) => trial.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  const reused = trials.length > 0 && trials.every(({ state }) => state === 'reused');
  return [...(losses.length > 0 ? [`loss ${losses.join(', ')}`] : []), ...bad, ...(reused ? ['reused'] : [])].join(
    ' · ',
  );
}

export function stateColor(state: ExperimentState | TrialState, color: ChalkInstance): string {
  switch (state) {
    case 'succeeded':
    case 'reused':
      return color.green(state);
    case 'failed':
      return color.red(state);
    case 'diverged':
    case 'pruned':
    case 'retrying':
    case 'paused':
    case 'cancelling':
    case 'cancelled':
      return color.yellow(state);
    case 'pending':
    case 'running':
      return color.cyan(state);
  }
}
