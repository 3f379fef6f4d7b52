/**
 * How often the comparison's intervals hold the truth, and how wide they are, on data drawn with known variances: for 2, 3
 * and 5 seeds, and for cells that vary alike, by depth, with one precision apart, and with two cells a depth.
 *
 * Usage: statistics.ts [--repetitions 4000] [--seed 1]
 */
import { parseArgs } from 'node:util';
import { seeded } from '@lamina/domain/forecast/random.ts';
import { coverage, STRUCTURES } from '@lamina/domain/results/testing/coverage.ts';

const SEEDS = [2, 3, 5] as const;
/** Nominal 95 % of all pairs together, and of the set of possibly best cells. */
const LEAST = { average: 0.935, bestSet: 0.94, bounds: 0.94 } as const;

const { values } = parseArgs({
  options: { repetitions: { type: 'string', default: '4000' }, seed: { type: 'string', default: '1' } },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const percent = (share: number): string => (100 * share).toFixed(1).padStart(8);
const times = (ratio: number): string => ratio.toFixed(2).padStart(8);

const random = seeded(Number(values.seed));
say('structure          seeds  average   worst  within between  best in  bounds');
const figures = Object.entries(STRUCTURES).flatMap(([structure, spreads]) =>
  SEEDS.map((seeds) => {
    const found = coverage(spreads, seeds, Number(values.repetitions), random);
    say(
      `${structure.padEnd(18)} ${String(seeds).padStart(5)} ${percent(found.average)}${percent(found.worstPair)}` +
        `${times(found.widthWithin)}${times(found.widthBetween)} ${percent(found.bestSet)}${percent(found.bounds)}`,
    );
    return { structure, seeds, ...found };
  }),
);
say('coverage in %; within and between depths: width over that of the paired t interval');
const targets = Object.fromEntries(
  Object.entries(LEAST).map(([name, least]) => [
    name,
    figures.every((found) => found[name as keyof typeof LEAST] >= least),
  ]),
);
say(JSON.stringify({ benchmark: 'statistics', seed: Number(values.seed), figures, targets }));
if (Object.values(targets).includes(false)) process.exitCode = 1;
