/** Past trials and queues with made-up content, for tests. */
import type { QueueCell, QueueExperiment } from '../queue.ts';
import type { DurationEstimate, PastTrial, Work } from '../types.ts';

export const WORK: Work = {
  cellId: 'cell-a',
  likeKey: 'like-a',
  modelKey: 'model',
  method: 'lora',
  precision: 'bf16',
  gpuClass: null,
  gpus: 1,
  steps: 100,
  tokensPerStep: 512,
  layers: 16,
  evaluationTokens: 1000,
  beforeTraining: true,
};

/** 10 s to load, 0.5 s a step, 10 s for each score, 2 s around it: 82 s for 100 steps. */
export function pastTrial(more: Partial<PastTrial> = {}): PastTrial {
  const { steps } = { ...WORK, ...more };
  const trainSeconds = more.trainSeconds ?? 0.5 * steps;
  const evaluateRawSeconds = more.evaluateRawSeconds ?? 10;
  const totalSeconds = 10 + trainSeconds + evaluateRawSeconds + 10;
  return {
    ...WORK,
    layersOriginal: 32,
    device: 'GPU',
    deviceKind: 'cuda',
    parallel: 4,
    launchSeconds: 1,
    wallSeconds: totalSeconds + 1,
    totalSeconds,
    trainSeconds,
    evaluateRawSeconds,
    evaluateSeconds: 10,
    rawCached: false,
    evaluatedTokens: 1000,
    ...more,
  };
}

/** A duration that is known exactly. */
export function exactly(seconds: number): DurationEstimate {
  return {
    basis: 'same-cell',
    n: 1,
    centre: Math.log(seconds),
    spread: 0,
    freedom: 2,
    centreVariance: 1,
    scaleSpread: 0,
    firstExtraSeconds: 0,
    trainShare: 0.8,
    afterShare: 0.1,
    overheadSeconds: 1,
  };
}

/** A cell without a pool, unless one is given. */
export function cellOf(name: string, estimate: DurationEstimate | null, pool: string | null = null): QueueCell {
  return { cellId: name, estimate, pool, gpus: 1 };
}

export function experimentOf(id: string, more: Partial<QueueExperiment> = {}): QueueExperiment {
  return { id, maxParallel: 1, cells: [], running: [], pending: [], paused: false, ...more };
}
