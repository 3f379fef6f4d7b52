/** Margins learned from trials that were measured on the same class of GPU. */
import type { Margins } from './overhead.ts';
import { median } from './statistics.ts';

/** One measured trial, with what the terms alone said of it. */
export interface MeasuredPeak {
  /** Sum of the terms, without margins. */
  readonly estimatedAllocatedBytes: number;
  readonly allocatedBytes: number;
  readonly reservedBytes: number | null;
  readonly processBytes: number | null;
}

/** So many measured trials count as much as what was assumed before them. */
const PRIOR = 3;
const MIN_SAFETY = 0.02;

/**
 * Medians of what was measured, drawn towards the present margins while trials are few. `safety` becomes the largest
 * share by which a trial needed more than the new margins say, at least 2 %.
 */
export function refit(margins: Margins, measured: readonly MeasuredPeak[]): Margins {
  if (measured.length === 0) return margins;
  const unexplained = blend(
    margins.unexplained,
    measured.map((trial) => trial.allocatedBytes / trial.estimatedAllocatedBytes - 1),
  );
  const fragmentation = blend(
    margins.fragmentation,
    measured.flatMap(({ reservedBytes, allocatedBytes }) =>
      reservedBytes === null ? [] : [Math.max(0, reservedBytes / allocatedBytes - 1)],
    ),
  );
  const context = blend(
    margins.context,
    measured.flatMap(({ processBytes, reservedBytes }) =>
      processBytes === null || reservedBytes === null ? [] : [Math.max(0, processBytes - reservedBytes)],
    ),
  );
  const excess = measured.map((trial) => {
    const terms = trial.estimatedAllocatedBytes * (1 + Math.max(0, unexplained));
    const needed = trial.processBytes ?? trial.reservedBytes ?? trial.allocatedBytes;
    const outside = trial.processBytes === null ? 0 : context;
    const pool = trial.processBytes === null && trial.reservedBytes === null ? 1 : 1 + fragmentation;
    return needed / (terms * pool + outside) - 1;
  });
  const safety = blend(margins.safety, [Math.max(MIN_SAFETY, ...excess)]);
  return { fragmentation, context, unexplained, safety };
}

function blend(prior: number, values: readonly number[]): number {
  if (values.length === 0) return prior;
  return (prior * PRIOR + median(values) * values.length) / (PRIOR + values.length);
}
