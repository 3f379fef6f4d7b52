/**
 * Differences between cells that share their seeds, with the variance that all pairs of a depth tell about each of them.
 *
 * Cells of one depth are trained on the same batches from the same weights, so their losses rise and fall together over
 * seeds, and how much of that is left in a difference is alike for all pairs of that depth. Two to five seeds say little
 * about one variance; the pairs of a depth together say more (Smyth 2004, "Linear models and empirical Bayes methods for
 * assessing differential expression", Statistical Applications in Genetics and Molecular Biology 3(1)).
 */
import tCdf from '@stdlib/stats-base-dists-t-cdf';
import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import type { Delta } from './estimates.ts';

/** Chance of an error that all intervals and tests of one column share. */
export const ALPHA = 0.05;
/** Degrees of freedom that the borrowed variance counts for. Smyth estimates them; from so few pairs that is not possible. */
const PRIOR_DEGREES = 2;
/** Below this many cells of a depth, or depths of a model, their pairs are one another's copies: nothing to borrow. */
const FEWEST_TO_BORROW = 3;
/** More cells of a depth lend nothing that these did not, and their pairs grow with the square. */
const MOST_LENDERS = 50;

/** The values of one cell. */
export interface SeededCell {
  readonly model: string;
  /** The layers; cells of one model and depth lend one another their variance. */
  readonly depth: string;
  /** By what two values must share to be subtracted: the seed and, for a loss, the held-out tokens. */
  readonly values: ReadonlyMap<string, number>;
}

/** A mean of paired differences and what is known of its error. */
export interface Difference {
  /** Pairs; without any the mean is null. */
  readonly n: number;
  readonly mean: number | null;
  /** Squared error of the mean for new seeds; null below two pairs. */
  readonly variance: number | null;
  readonly degreesOfFreedom: number;
  /** Null: the difference holds for this held-out text, not for new text. */
  readonly text: TextVariance | null;
}

/** Squared error of a mean difference for new held-out text. */
export interface TextVariance {
  readonly variance: number;
  readonly degreesOfFreedom: number;
}

export interface DifferenceOptions {
  /** Least squared error of a mean difference: what is counted in whole tokens may tie in every seed. */
  readonly floor?: (difference: number) => number;
  readonly text?: (value: number, reference: number) => TextVariance | null;
}

/** Value less reference, over the seeds that both measured; cells by their places in the list. */
export type Subtract = (value: number, reference: number) => Difference;

/**
 * Differences with moderated variance: for n pairs, ν = n − 1 and their sample variance v,
 * s̃² = (2·s₀² + ν·v)/(2 + ν) on min(2 + ν, (k − 1)·ν) degrees of freedom. Between cells of one depth s₀² is the mean of v
 * over the pairs of its k ≥ 3 cells; between depths that over all pairs of different depths of the model, k ≥ 3 depths
 * of three cells or more. Pairs with more seeds weigh more, by their ν. Elsewhere nothing is borrowed: plain paired t.
 *
 * @param cells all that may lend their variance
 */
export function differencesAmong(cells: readonly SeededCell[], { floor, text }: DifferenceOptions = {}): Subtract {
  const rows = rowsOf(cells);
  const borrowed = lending(cells, rows);
  return (value, reference) => {
    const { n, mean, variance } = spread(rows, value, reference);
    if (n < 2) return { n, mean: n === 0 ? null : mean, variance: null, degreesOfFreedom: 0, text: null };
    const own = n - 1;
    const prior = borrowed(value, reference);
    const moderated =
      prior === null ? variance : (PRIOR_DEGREES * prior.variance + own * variance) / (PRIOR_DEGREES + own);
    return {
      n,
      mean,
      variance: floor === undefined ? moderated / n : Math.max(moderated / n, floor(mean)),
      degreesOfFreedom: prior === null ? own : Math.min(PRIOR_DEGREES + own, (prior.lenders - 1) * own),
      text: text?.(value, reference) ?? null,
    };
  };
}

/** One row per cell with a place for each seed, NaN where it was not measured: pairs are many, and maps are slow. */
type Rows = readonly Float64Array[];

function rowsOf(cells: readonly SeededCell[]): Rows {
  const keys = [...new Set(cells.flatMap(({ values }) => [...values.keys()]))];
  return cells.map(({ values }) => Float64Array.from(keys, (key) => values.get(key) ?? Number.NaN));
}

interface Prior {
  readonly variance: number;
  /** Cells of the depth, or depths of the model. */
  readonly lenders: number;
}

/** What a pair may borrow; null for nothing. Each pool is added up when a pair first asks for it. */
function lending(cells: readonly SeededCell[], rows: Rows): (value: number, reference: number) => Prior | null {
  const repeated = cells.flatMap(({ values }, place) => (values.size > 1 ? [place] : []));
  const models = cells.map(({ model }) => model);
  const depths = cells.map(({ model, depth }) => JSON.stringify([model, depth]));
  const within = new Map<string, Prior | null>();
  const across = new Map<string, Prior | null>();
  return (value, reference) => {
    const [model = '', depth = ''] = [models[value], depths[value]];
    if (model !== models[reference]) return null;
    if (depth === depths[reference]) {
      return known(within, depth, () => {
        const siblings = repeated.filter((place) => depths[place] === depth).slice(0, MOST_LENDERS);
        return pooled(rows, siblings, siblings);
      });
    }
    return known(across, model, () => {
      const byDepth = Map.groupBy(
        repeated.filter((place) => models[place] === model),
        (place) => depths[place],
      );
      const sizes = [...byDepth.values()].map(({ length }) => length);
      if (sizes.some((size) => size < FEWEST_TO_BORROW)) return null;
      const lenders = [...byDepth.values()].flatMap((group) => group.slice(0, MOST_LENDERS));
      return pooled(
        rows,
        lenders,
        lenders.map((place) => depths[place]),
      );
    });
  };
}

function known(priors: Map<string, Prior | null>, key: string, find: () => Prior | null): Prior | null {
  let prior = priors.get(key);
  if (prior === undefined) {
    prior = find();
    priors.set(key, prior);
  }
  return prior;
}

/** Mean variance of the pairs whose lenders differ, each weighed by its degrees of freedom. */
function pooled(rows: Rows, places: readonly number[], lenderOf: readonly unknown[]): Prior | null {
  const lenders = new Set<unknown>();
  let sum = 0;
  let weight = 0;
  for (let a = 0; a < places.length; a += 1) {
    for (let b = a + 1; b < places.length; b += 1) {
      if (lenderOf[a] === lenderOf[b]) continue;
      const { n, variance } = spread(rows, places[a] ?? 0, places[b] ?? 0);
      if (n < 2) continue;
      if (lenders.size < places.length) lenders.add(lenderOf[a]).add(lenderOf[b]);
      sum += (n - 1) * variance;
      weight += n - 1;
    }
  }
  return lenders.size < FEWEST_TO_BORROW ? null : { variance: sum / weight, lenders: lenders.size };
}

/** Pairs, their mean and their variance (n − 1; 0 below two), in two passes; equal differences have exactly no variance. */
function spread(rows: Rows, value: number, reference: number): { n: number; mean: number; variance: number } {
  const [a, b] = [rows[value] ?? NONE, rows[reference] ?? NONE];
  let [n, sum, first, equal] = [0, 0, 0, true];
  for (let seed = 0; seed < a.length; seed += 1) {
    const difference = (a[seed] ?? Number.NaN) - (b[seed] ?? Number.NaN);
    if (Number.isNaN(difference)) continue;
    if (n === 0) first = difference;
    equal &&= difference === first;
    sum += difference;
    n += 1;
  }
  if (equal) return { n, mean: first, variance: 0 };
  const mean = sum / n;
  let squares = 0;
  for (let seed = 0; seed < a.length; seed += 1) {
    const deviation = (a[seed] ?? Number.NaN) - (b[seed] ?? Number.NaN) - mean;
    if (!Number.isNaN(deviation)) squares += deviation * deviation;
  }
  return { n, mean, variance: squares / (n - 1) };
}

const NONE = new Float64Array();

/**
 * How much the choice of held-out records varies a mean difference. Records are drawn, seeds are not tied to them: the
 * mean square of records, MS_J, holds the interaction MS_E as well, so the part of the text alone is
 * max(0, MS_J − MS_E)/(n·J) (Searle, Casella & McCulloch 1992, "Variance Components", chapter 4). Records weigh by their
 * tokens, as in the mean loss: the differences enter as the linear terms of that ratio (Cochran 1977, "Sampling Techniques", chapter 6).
 *
 * @param differences nats per token, n seeds (two or more) × J records
 * @param tokens of each record
 * @returns null below two seeds or two records
 */
export function textVariance(
  differences: readonly (readonly number[])[],
  tokens: readonly number[],
): TextVariance | null {
  const n = differences.length;
  const records = tokens.length;
  if (n < 2 || records < 2) return null;
  const total = tokens.reduce((sum, count) => sum + count, 0);
  const terms = differences.map((row) => {
    const centre = row.reduce((sum, difference, index) => sum + difference * (tokens[index] ?? 0), 0) / total;
    return row.map((difference, index) => ((records * (tokens[index] ?? 0)) / total) * (difference - centre));
  });
  let ofRecords = 0;
  let interaction = 0;
  for (let record = 0; record < records; record += 1) {
    const column = terms.map((row) => row[record] ?? 0);
    const centre = column.reduce((sum, term) => sum + term, 0) / n;
    ofRecords += centre ** 2;
    for (const term of column) interaction += (term - centre) ** 2;
  }
  const meanSquare = (n * ofRecords) / (records - 1);
  const residual = interaction / ((n - 1) * (records - 1));
  return { variance: Math.max(0, meanSquare - residual) / (n * records), degreesOfFreedom: records - 1 };
}

/** Half the width of an interval that leaves `tail` on each side; null below two pairs. */
export function halfWidth({ variance, degreesOfFreedom, text }: Difference, tail: number): number | null {
  if (variance === null) return null;
  const seeds = tPoint(tail, degreesOfFreedom) * Math.sqrt(variance);
  return text === null ? seeds : Math.hypot(seeds, tPoint(tail, text.degreesOfFreedom) * Math.sqrt(text.variance));
}

/**
 * Two-sided test of "no difference": below α exactly where the interval of 1 − α leaves zero out; null below two pairs.
 * Without any variance it is 1 for no difference, else 0 (the limit).
 */
export function pOf(difference: Difference): number | null {
  const { mean, variance, degreesOfFreedom, text } = difference;
  if (mean === null || variance === null) return null;
  if (mean === 0) return 1;
  if (halfWidth(difference, 0.25) === 0) return 0;
  if (text === null) return 2 * tCdf(-Math.abs(mean) / Math.sqrt(variance), degreesOfFreedom);
  // Two quantiles under one root have no closed inverse.
  let [low, high] = [0, 1];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if ((halfWidth(difference, middle / 2) ?? 0) > Math.abs(mean)) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * The differences of one column, with intervals that hold all at once with 95 % (Bonferroni), and p values of the same
 * rule: `pAdjusted` < 0.05 exactly where the interval leaves zero out.
 */
export function simultaneous(differences: readonly Difference[]): Delta[] {
  const tests = Math.max(1, testsOf(differences));
  return differences.map((difference) => {
    const { n, mean } = difference;
    const half = halfWidth(difference, ALPHA / 2 / tests);
    const p = pOf(difference);
    return {
      n,
      mean,
      low: mean === null || half === null ? null : mean - half,
      high: mean === null || half === null ? null : mean + half,
      p,
      pAdjusted: p === null ? null : Math.min(1, p * tests),
    };
  });
}

/** How many of them enough seeds can test. */
export function testsOf(differences: readonly Difference[]): number {
  return differences.filter(({ variance }) => variance !== null).length;
}

const points = new Map<number, Map<number, number>>();

/** Point of Student's t that leaves `tail` above it. */
function tPoint(tail: number, degreesOfFreedom: number): number {
  let ofTail = points.get(tail);
  if (ofTail === undefined) points.set(tail, (ofTail = new Map()));
  let point = ofTail.get(degreesOfFreedom);
  if (point === undefined) {
    // The lower tail keeps its digits where 1 − tail would lose them.
    point = -tQuantile(tail, degreesOfFreedom);
    ofTail.set(degreesOfFreedom, point);
  }
  return point;
}
