/** What is estimated from several seeds. */

/** A value over seeds. `n` counts the seeds that measured it; with none, everything else is null. */
export interface Estimate {
  readonly n: number;
  readonly mean: number | null;
  /** Sample standard deviation; null below two samples. */
  readonly sd: number | null;
  /** 95 % interval of the mean, Student t; null below two samples. */
  readonly low: number | null;
  readonly high: number | null;
  readonly samples: readonly number[];
}

/** Difference or ratio to what a value is paired with by seed: the baseline cell, or another measurement of its own trial. */
export interface Delta {
  readonly n: number;
  readonly mean: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Two-sided paired t test; null below two pairs. */
  readonly p: number | null;
  /** Holm-adjusted over the rows of its column. */
  readonly pAdjusted: number | null;
}
