/** What past trials would have taken, had they been the trial to come. */

import type { Basis } from '../vocabulary/durations.ts';
import { ascending, median, quantile } from './statistics.ts';
import type { PastTrial, Work } from './types.ts';

/**
 * Share of a step that does not depend on depth (embedding, head, loss, optimizer of these), until two depths of a
 * model have run and tell it: the middle of 0 to 0.6, assumed; Gemma 3 270M with its 262k-entry head is at the upper end.
 */
const UNSCALED_SHARE = { low: 0, middle: 0.3, high: 0.6 };
/** Standard deviations of the logarithm, assumed: what a rung may get wrong beyond what its samples show. */
const SCALE_SPREAD: Record<Basis, number> = { 'same-cell': 0, 'same-shape': 0.05, scaled: 0.1, rough: 0.5 };
const UNKNOWN_DEPTH_SPREAD = 0.35;
/** So many standard deviations are at the end of an interval of 80 %. */
const END = 1.2816;

export interface Scaled {
  /** Seconds that each past trial would hold its place. */
  readonly seconds: readonly number[];
  readonly firstExtraSeconds: number;
  readonly overheadSeconds: number;
  readonly scaleSpread: number;
  readonly trainSeconds: number;
  readonly afterSeconds: number;
}

/** @param history of all kinds of work, of which `trials` are those that count */
export function scaled(
  target: Work,
  basis: Basis,
  trials: readonly PastTrial[],
  history: readonly PastTrial[],
): Scaled {
  const depth = depthFactors(target, basis, trials);
  const overheadSeconds = typicalOverhead(target, trials, history);
  const cacheWorks = history.some((past) => past.rawCached);
  const parts = trials.map((past, index) => {
    const factor = depth.factors[index] ?? 1;
    const train =
      (past.trainSeconds / past.steps) * target.steps * (target.tokensPerStep / past.tokensPerStep) * factor;
    const share = (evaluationTokens(target, past) / past.evaluatedTokens) * factor;
    const evaluate = past.evaluateSeconds * share;
    const rest = past.totalSeconds - past.trainSeconds - past.evaluateRawSeconds - past.evaluateSeconds;
    const raw = target.beforeTraining ? uncachedRaw(past) * share : 0;
    return { train, evaluate, rest: Math.max(0, rest), raw };
  });
  const raw = parts.length === 0 ? 0 : median(parts.map((part) => part.raw));
  // Where scores are taken over, only a cell's first trial makes them, and none where the cell has been scored before.
  const scoredBefore = basis === 'same-cell';
  return {
    seconds: parts.map(
      (part) => part.rest + part.train + part.evaluate + (cacheWorks ? 0 : part.raw) + overheadSeconds,
    ),
    firstExtraSeconds: cacheWorks && !scoredBefore ? raw : 0,
    overheadSeconds,
    scaleSpread: Math.hypot(SCALE_SPREAD[basis], depth.spread),
    trainSeconds: median(parts.map((part) => part.train)),
    afterSeconds: median(parts.map((part) => part.evaluate)) + overheadSeconds / 2,
  };
}

/** Held-out data may be less than the most that is scored. */
function evaluationTokens(target: Work, past: PastTrial): number {
  const available = past.evaluatedTokens < past.evaluationTokens ? past.evaluatedTokens : Number.POSITIVE_INFINITY;
  return Math.min(target.evaluationTokens, available);
}

/** Scoring before training is the same work as scoring after it. */
function uncachedRaw(past: PastTrial): number {
  return past.rawCached || past.evaluateRawSeconds === 0 ? past.evaluateSeconds : past.evaluateRawSeconds;
}

/**
 * What passes before and after the trainer is the machine's, not the work's: the middle over all that ran there, so that
 * the first trial after a start (which loads the libraries) says little. Launches on a cluster hold the wait for a GPU,
 * which the queue tells better: the shortest tenth of them counts, which is the start of a pod.
 */
function typicalOverhead(target: Work, trials: readonly PastTrial[], history: readonly PastTrial[]): number {
  const devices = new Set(trials.map(({ device }) => device));
  const there = history.filter(({ device }) => devices.has(device));
  const around = ascending(there.map((past) => Math.max(0, past.wallSeconds - past.totalSeconds)));
  const launches = ascending(there.map((past) => past.launchSeconds));
  return quantile(around, 0.5) + quantile(launches, target.gpus > 0 ? 0.1 : 0.5);
}

interface DepthFactors {
  readonly factors: readonly number[];
  readonly spread: number;
}

/** A step's time as a line in the number of kept layers, where two depths have run; else between two assumptions. */
function depthFactors(target: Work, basis: Basis, trials: readonly PastTrial[]): DepthFactors {
  const exact = basis === 'same-cell' || basis === 'same-shape';
  const { layers } = target;
  if (exact || trials.every((past) => past.layers === layers)) return { factors: trials.map(() => 1), spread: 0 };
  if (layers === null) return { factors: trials.map(() => 1), spread: UNKNOWN_DEPTH_SPREAD };
  const points = trials.flatMap((past) =>
    past.layers === null ? [] : [{ layers: past.layers, seconds: past.trainSeconds / past.steps / past.tokensPerStep }],
  );
  const line = lineThrough(points);
  if (line !== null) {
    const at = (kept: number) => line.intercept + line.slope * kept;
    return { factors: trials.map((past) => at(layers) / at(past.layers ?? layers)), spread: 0 };
  }
  const ratio = layers / (points[0]?.layers ?? layers);
  const factor = (unscaled: number) => unscaled + (1 - unscaled) * ratio;
  const spread = Math.abs(Math.log(factor(UNSCALED_SHARE.low) / factor(UNSCALED_SHARE.high))) / 2 / END;
  return { factors: trials.map(() => factor(UNSCALED_SHARE.middle)), spread };
}

/** Least squares, neither part negative; null with fewer than two depths. */
function lineThrough(
  points: readonly { readonly layers: number; readonly seconds: number }[],
): { readonly intercept: number; readonly slope: number } | null {
  if (new Set(points.map((point) => point.layers)).size < 2) return null;
  const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = meanOf(points.map((point) => point.layers));
  const y = meanOf(points.map((point) => point.seconds));
  let covariance = 0;
  let variance = 0;
  for (const point of points) {
    covariance += (point.layers - x) * (point.seconds - y);
    variance += (point.layers - x) ** 2;
  }
  const slope = covariance / variance;
  if (slope <= 0) return { intercept: y, slope: 0 };
  const intercept = y - slope * x;
  return intercept >= 0 ? { intercept, slope } : { intercept: 0, slope: y / x };
}
