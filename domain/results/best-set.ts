/** Which cells may be the best, and which are as good as another. */
import { ALPHA, type Difference, halfWidth, type Subtract } from './differences.ts';

/**
 * Cells are held against this many with the best means, which exclude what can be excluded: fewer comparisons keep more
 * cells, never fewer. A larger set says that the data decide nothing; how much worse its cells may be is not worked out.
 */
const MOST_COMPARED = 100;

/** A cell that may be the best. */
export interface Contender {
  /** Place in the list of cells. */
  readonly place: number;
  /** At most so much worse than the best, for all contenders at once; null where a pair has fewer than two seeds, or among too many. */
  readonly atMostWorse: number | null;
}

/**
 * Multiple comparisons with the best (Hsu 1984, "Constrained simultaneous confidence intervals for multiple comparisons
 * with the best", Annals of Statistics 12; Edwards & Hsu 1983, JASA 78): a cell stays unless it is worse than another one
 * by more than c, the one-sided half width at α/(C − 1) for C cells. With 95 % the best cell is among those that stay, and
 * each is at most max(0, mean difference + c) worse than it. Pairs that seeds say nothing about exclude nothing.
 *
 * @param places of the C cells to choose from, the best mean first, whose order the answer keeps; lower values are better
 */
export function bestSet(places: readonly number[], subtract: Subtract, alpha: number = ALPHA): Contender[] {
  const tail = alpha / Math.max(1, places.length - 1);
  const leaders = places.slice(0, MOST_COMPARED);
  const kept = places.filter((place) => leaders.every((other) => lowest(subtract(place, other), tail) <= 0));
  if (kept.length > MOST_COMPARED) return kept.map((place) => ({ place, atMostWorse: null }));
  return kept.map((place) => {
    const others = kept.filter((other) => other !== place);
    const bound = Math.max(0, ...others.map((other) => highest(subtract(place, other), tail)));
    return { place, atMostWorse: Number.isFinite(bound) ? bound : null };
  });
}

/** Whether a difference keeps a tolerance: it does, it does not, or the data do not say. */
export type Equivalence = 'shown' | 'refuted' | 'open';

/**
 * Two one-sided tests (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15): shown where both bounds are within
 * the tolerance, refuted where one of them is beyond it on either side.
 *
 * @param tail chance of error of each bound
 */
export function equivalence(difference: Difference, tolerance: number, tail: number = ALPHA): Equivalence {
  const [low, high] = [lowest(difference, tail), highest(difference, tail)];
  if (low >= -tolerance && high <= tolerance) return 'shown';
  return low > tolerance || high < -tolerance ? 'refuted' : 'open';
}

function lowest(difference: Difference, tail: number): number {
  return (difference.mean ?? 0) - (halfWidth(difference, tail) ?? Number.POSITIVE_INFINITY);
}

function highest(difference: Difference, tail: number): number {
  return (difference.mean ?? 0) + (halfWidth(difference, tail) ?? Number.POSITIVE_INFINITY);
}
