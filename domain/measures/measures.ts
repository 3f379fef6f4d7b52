/** How a figure of the comparison is read from one trial's result, for those that several parts read. Null where it was not measured. */
import type { TrialResult } from '../contract/result.ts';
import type { MemoryCounter, Objective } from '../vocabulary/comparison.ts';

interface Measured {
  readonly result: TrialResult;
}

export type Measure = (trial: Measured) => number | null;

/** Null without samples. */
export function mean(samples: readonly number[]): number | null {
  if (samples.length === 0) return null;
  let sum = 0;
  for (const sample of samples) sum += sample;
  return sum / samples.length;
}

export const loss: Measure = ({ result }) => result.trained?.loss ?? null;
export const accuracy: Measure = ({ result }) => result.trained?.accuracy ?? null;
export const perplexity: Measure = ({ result }) => result.trained?.perplexity ?? null;
export const rawLoss: Measure = ({ result }) => result.raw?.loss ?? null;
export const rawAccuracy: Measure = ({ result }) => result.raw?.accuracy ?? null;
export const lossStandardError: Measure = ({ result }) => result.trained?.lossStandardError ?? null;
export const tokensPerSecond: Measure = ({ result }) => result.training.tokensPerSecond;
export const loadSeconds: Measure = ({ result }) => result.seconds.load;
export const quantizeSeconds: Measure = ({ result }) => result.seconds.quantize;
export const weightBytes: Measure = ({ result }) => result.model.weightBytes;

/** Wall time of a trial. A resumed trial's last attempt did only a part of the work: not measured. */
export const trialSeconds: Measure = ({ result }) =>
  result.training.resumedFromStep === null ? result.seconds.total : null;

/** Energy of the attempt over the tokens that it trained on. */
export const joulesPerToken: Measure = ({ result }) =>
  result.energyJoules === null || result.training.tokens === 0 ? null : result.energyJoules / result.training.tokens;

/** The same without what the machine draws when idle. A difference below zero measured nothing. */
export const netJoulesPerToken: Measure = ({ result }) => {
  const { energyJoules, idleWatts, seconds, training } = result;
  if (energyJoules === null || (idleWatts ?? null) === null || seconds.train === null || training.tokens === 0)
    return null;
  const net = energyJoules - (idleWatts ?? 0) * seconds.train;
  return net > 0 ? net / training.tokens : null;
};

/** Mean over the measured steps. Results from before steps were divided have no parts. */
function partOfStep(part: 'forward' | 'backward' | 'optimizer'): Measure {
  return ({ result }) => mean(result.training.stepParts?.[part] ?? []);
}

export const forwardSeconds = partOfStep('forward');
export const backwardSeconds = partOfStep('backward');
export const optimizerSeconds = partOfStep('optimizer');
export const dequantizationShare: Measure = ({ result }) => result.training.dequantizationShare ?? null;

/** Device memory that the allocator held at its peak on CUDA, the process's peak resident set on a CPU. */
export function memoryCounterOf({ result }: Measured): MemoryCounter {
  return result.environment.deviceKind === 'cuda' ? 'peak-reserved' : 'peak-rss';
}

export const peakMemory: Measure = (trial) =>
  memoryCounterOf(trial) === 'peak-reserved' ? trial.result.memory.peakReservedBytes : trial.result.memory.peakRssBytes;

/** Money for one trial: wall hours × price of its machine for an hour. */
export function cost(pricePerHour: number | null): Measure {
  return (trial) => {
    const seconds = trialSeconds(trial);
    return pricePerHour === null || seconds === null ? null : (seconds / 3600) * pricePerHour;
  };
}

/** The objective as a cost: lower is better. */
export function objectiveCost(objective: Objective): Measure {
  return objective === 'accuracy' ? (trial) => negated(accuracy(trial)) : loss;
}

function negated(value: number | null): number | null {
  return value === null ? null : -value;
}

/** What must be equal for speeds to be comparable: device, driver, trainer revision, and threads on a CPU. */
export function environmentKey({ result: { environment } }: Measured): string {
  const { device, deviceKind, driver, threads, trainerRevision } = environment;
  return JSON.stringify([device, driver, trainerRevision, deviceKind === 'cpu' ? threads : null]);
}

/** Losses are comparable where the same held-out tokens were scored. */
export function evaluationKey({ result }: Measured): string {
  return result.environment.evaluationFingerprint;
}
