/** Which past trials are like the one to come: the first rung of the ladder that has any. */

import type { Basis } from '../vocabulary/durations.ts';
import type { PastTrial, Work } from './types.ts';

/** More samples than this say nothing more, and older ones describe an older machine. */
const MOST_SAMPLES = 40;

export interface LikeTrials {
  readonly basis: Basis;
  /** The newest first. */
  readonly trials: readonly PastTrial[];
}

/**
 * 1. `same-cell`: the same settings apart from the seed.
 * 2. `same-shape`: another number of steps, learning rate or dataset, but every step is the same work.
 * 3. `scaled`: the same model, method and precision; steps, tokens and kept layers differ.
 * 4. `rough`: the same model, another method or precision.
 *
 * On each of them only trials with as many GPUs of the same class.
 *
 * @param history the newest first
 * @param device product that the trials to come run on; null: that of the newest like trial
 */
export function likeTrials(target: Work, history: readonly PastTrial[], device: string | null): LikeTrials | null {
  const rungs: readonly (readonly [Basis, (past: PastTrial) => boolean])[] = [
    ['same-cell', (past) => past.cellId === target.cellId],
    ['same-shape', (past) => past.likeKey === target.likeKey],
    [
      'scaled',
      (past) => sameModel(past, target) && past.method === target.method && past.precision === target.precision,
    ],
    ['rough', (past) => sameModel(past, target)],
  ];
  for (const [basis, isLike] of rungs) {
    const alike = history.filter((past) => isLike(past) && onLikeGpus(past, target));
    const trials = onOneDevice(alike, device);
    if (trials.length > 0) return { basis, trials: trials.slice(0, MOST_SAMPLES) };
  }
  return null;
}

function sameModel(past: PastTrial, target: Work): boolean {
  return past.modelKey === target.modelKey;
}

/** A class that is not named is whatever there is. */
function onLikeGpus(past: PastTrial, target: Work): boolean {
  const sameClass = past.gpuClass === target.gpuClass || past.gpuClass === null || target.gpuClass === null;
  return sameClass && past.gpus === target.gpus;
}

function onOneDevice(trials: readonly PastTrial[], device: string | null): readonly PastTrial[] {
  const wanted = device ?? trials[0]?.device;
  return trials.filter((past) => past.device === wanted);
}

/** On a CPU, trials that ran as many at once say more than others: they share its cores. All where there are none. */
export function equallyCrowded(trials: readonly PastTrial[], parallel: number): readonly PastTrial[] {
  const alike = trials.filter((past) => past.deviceKind !== 'cpu' || past.parallel === parallel);
  return alike.length > 0 ? alike : trials;
}
