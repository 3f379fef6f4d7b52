import type { Trials } from './queries.ts';

/**
 * Trials with one trial's phase and step moved on. Only a running trial moves: a stream that resumes repeats
 * old progress, and that must not wake what has ended since. The same object where nothing changes.
 */
export function withProgress(
  trials: Trials,
  at: {
    readonly trialId: string;
    readonly phase: string | null;
    readonly step: number | null;
    readonly steps: number | null;
  },
): Trials {
  const trial = trials.items.find((one) => one.id === at.trialId);
  if (trial?.state !== 'running') return trials;
  const moved = {
    ...trial,
    phase: at.phase ?? trial.phase,
    step: at.step ?? trial.step,
    steps: at.steps ?? trial.steps,
    waiting: null,
  };
  if (trial.waiting === null && moved.phase === trial.phase && moved.step === trial.step && moved.steps === trial.steps)
    return trials;
  return { ...trials, items: trials.items.map((one) => (one === trial ? moved : one)) };
}
