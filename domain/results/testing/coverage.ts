/** How often intervals of differences, and the set of possibly best cells, hold what is true: known here, as the data are drawn. */
import { normal, type Random } from '../../forecast/random.ts';
import { bestSet } from '../best-set.ts';
import { differencesAmong, halfWidth, type SeededCell } from '../differences.ts';

/** One depth: how far its own mean varies over seeds, and each of its cells apart from it (standard deviations). */
interface DepthSpread {
  readonly common: number;
  readonly cells: readonly number[];
}

export type Structure = readonly DepthSpread[];

/** Ratios of variances, and of what is shared within a depth, as LoRA on a model of 18, 12 and 6 layers shows them. */
const COMMON = [0.05, 0.02, 0.09] as const;
const DEPTHS = [1, Math.sqrt(5.5), Math.sqrt(15)] as const;
const spreads = (cells: (scale: number) => readonly number[]): Structure =>
  COMMON.map((common, index) => ({ common, cells: cells(0.012 * (DEPTHS[index] ?? 1)) }));

export const STRUCTURES: Readonly<Record<string, Structure>> = {
  equal: COMMON.map(() => ({ common: 0.05, cells: [0.03, 0.03, 0.03] })),
  'by depth': spreads((scale) => [scale, scale, scale]),
  'nf4 apart': spreads((scale) => [scale / 2, scale / 2, 1.5 * scale]),
  'two cells a depth': spreads((scale) => [scale, scale]),
};

export interface Coverage {
  /** Share of intervals that held the true difference, nominally 0.95; then that of the worst pair of cells. */
  readonly average: number;
  readonly worstPair: number;
  /** Mean width over that of the paired t interval, within a depth and between depths. */
  readonly widthWithin: number;
  readonly widthBetween: number;
  /** Share of sets that held the best cell, and of those in which every bound held. */
  readonly bestSet: number;
  readonly bounds: number;
}

/** True means: the first cell is best by a hair, deeper cuts are worse. */
const MEANS = (depth: number, cell: number): number => 0.03 * depth + 0.004 * cell;

export function coverage(structure: Structure, seeds: number, repetitions: number, random: Random): Coverage {
  const truth = structure.flatMap(({ cells }, depth) => cells.map((_, cell) => ({ depth, mean: MEANS(depth, cell) })));
  const pairs = truth.flatMap((_, i) => truth.slice(i + 1).map((_, after) => [i, i + 1 + after] as const));
  const held = new Map(pairs.map((pair) => [pair.join(), 0]));
  const widths = { within: 0, between: 0 };
  const plainWidths = { within: 0, between: 0 };
  let bestHeld = 0;
  let boundsHeld = 0;
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    const cells = draw(structure, seeds, random);
    const subtract = differencesAmong(cells);
    const plain = differencesAmong(cells.map((cell, place) => ({ ...cell, model: String(place) })));
    for (const [i, j] of pairs) {
      const difference = subtract(i, j);
      const half = halfWidth(difference, 0.025) ?? Number.NaN;
      const [one, other] = [truth[i], truth[j]];
      if (one === undefined || other === undefined) continue;
      if (Math.abs((difference.mean ?? 0) - (one.mean - other.mean)) <= half)
        held.set(`${i},${j}`, (held.get(`${i},${j}`) ?? 0) + 1);
      const which = one.depth === other.depth ? 'within' : 'between';
      widths[which] += half;
      plainWidths[which] += halfWidth(plain(i, j), 0.025) ?? Number.NaN;
    }
    const contenders = bestSet([...truth.keys()], subtract);
    if (contenders.some(({ place }) => place === 0)) bestHeld += 1;
    const worse = (place: number) => (truth[place]?.mean ?? 0) - (truth[0]?.mean ?? 0);
    if (contenders.every(({ place, atMostWorse }) => worse(place) <= (atMostWorse ?? 0))) boundsHeld += 1;
  }
  const shares = [...held.values()].map((count) => count / repetitions);
  return {
    average: shares.reduce((sum, share) => sum + share, 0) / shares.length,
    worstPair: Math.min(...shares),
    widthWithin: widths.within / plainWidths.within,
    widthBetween: widths.between / plainWidths.between,
    bestSet: bestHeld / repetitions,
    bounds: boundsHeld / repetitions,
  };
}

function draw(structure: Structure, seeds: number, random: Random): SeededCell[] {
  return structure.flatMap(({ common, cells }, depth) => {
    const shared = Array.from({ length: seeds }, () => common * normal(random));
    return cells.map((apart, cell) => ({
      model: 'model',
      depth: String(depth),
      values: new Map(shared.map((own, seed) => [String(seed), MEANS(depth, cell) + own + apart * normal(random)])),
    }));
  });
}
