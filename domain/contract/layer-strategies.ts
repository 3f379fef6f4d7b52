/**
 * What each way of choosing layers keeps, and how people read it: the one place that says so. Its fields are in
 * `layerChoice`; which layers it keeps of a given model is decided by the trainer (`model/layers.py`).
 */
import type { LayerChoice } from './settings.ts';

type Strategy = LayerChoice['strategy'];
type ChoiceOf<S extends Strategy> = Extract<LayerChoice, { readonly strategy: S }>;

interface StrategyFacts<S extends Strategy> {
  /** How many layers are left of `total`; null where that depends on a depth that is not known. */
  readonly kept: (choice: ChoiceOf<S>, total: number | null) => number | null;
  /** What people call the cell: "12 layers (even)". */
  readonly label: (choice: ChoiceOf<S>) => string;
  /** How a document writes it, and what that means, for the reference. */
  readonly example: ChoiceOf<S>;
  readonly meaning: string;
}

const STRATEGIES: { readonly [S in Strategy]: StrategyFacts<S> } = {
  all: {
    kept: (_, total) => total,
    label: () => 'all layers',
    example: { strategy: 'all' },
    meaning: 'all layers',
  },
  first: {
    kept: ({ keep }) => keep,
    label: ({ keep }) => layers(keep),
    example: { strategy: 'first', keep: 12 },
    meaning: 'the first 12',
  },
  'drop-last': {
    kept: ({ drop }, total) => (total === null ? null : total - drop),
    label: ({ drop }) => `all but the last ${layers(drop)}`,
    example: { strategy: 'drop-last', drop: 6 },
    meaning: 'all but the last 6',
  },
  even: {
    kept: ({ keep }) => keep,
    label: ({ keep }) => `${layers(keep)} (even)`,
    example: { strategy: 'even', keep: 12 },
    meaning: '12, evenly spaced',
  },
  angular: {
    kept: ({ keep }) => keep,
    label: ({ keep }) => `${layers(keep)} (angular)`,
    example: { strategy: 'angular', keep: 12 },
    meaning: '12: the contiguous block that changes its input least is cut out',
  },
  list: {
    kept: ({ indices }) => indices.length,
    label: ({ indices }) => `layer${indices.length === 1 ? '' : 's'} ${runs(indices)}`,
    example: { strategy: 'list', indices: [0, 1, 5] },
    meaning: 'layers 0, 1 and 5',
  },
};

/** Layers that a choice keeps; null where that depends on a depth that is not known. */
export function keptLayers(choice: LayerChoice, total: number | null): number | null {
  return factsOf(choice).kept(choice, total);
}

/** "all layers", "12 layers", "12 layers (even)", "all but the last 6 layers", "layers 0–5, 8". */
export function depthLabel(choice: LayerChoice): string {
  return factsOf(choice).label(choice);
}

/** For `docs/experiment.md`. */
export function layerTable(): string {
  const rows = Object.values(STRATEGIES).map(({ example, meaning }) => {
    const fields = Object.entries(example).map(([name, value]) => `${name}: ${written(value)}`);
    return `| \`{${fields.join(', ')}}\` | ${meaning} |`;
  });
  return ['| strategy | keeps |', '|---|---|', ...rows, ''].join('\n');
}

function written(value: string | number | readonly number[]): string {
  return typeof value === 'object' ? `[${value.join(', ')}]` : String(value);
}

/** The row that a choice has: its facts take choices of this strategy, which the type of the table cannot say. */
function factsOf(choice: LayerChoice): StrategyFacts<Strategy> {
  return STRATEGIES[choice.strategy] as StrategyFacts<Strategy>;
}

function layers(count: number): string {
  return `${count} layer${count === 1 ? '' : 's'}`;
}

/** [0, 1, 2, 5] → "0–2, 5". */
function runs(indices: readonly number[]): string {
  const found: [number, number][] = [];
  for (const index of indices) {
    const last = found.at(-1);
    if (last !== undefined && index === last[1] + 1) last[1] = index;
    else found.push([index, index]);
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ');
}
