/** One kind of fault: what is done, what must come of it, and how long it took to get over it. */
import type { TrialState } from '@lamina/domain/vocabulary/states.ts';
import type { FaultStack } from './fault-stack.ts';

export type EndedCounts = Readonly<Partial<Record<TrialState, number>>>;

export interface Round {
  readonly stack: FaultStack;
  /** Id of the experiment. */
  readonly id: string;
  /** Counts from 0. */
  readonly round: number;
  /** In [0, 1), from the seed. */
  random(): number;
}

export interface Recovered {
  readonly maxParallel: number;
  readonly counts: EndedCounts;
  readonly seconds: number;
  /** Until Lamina had done its part, and the cluster's own controllers had to do theirs; Jobs count in whole seconds. */
  readonly own?: number;
  readonly cancelledAtMs?: number;
}

export interface Scenario {
  readonly fault: string;
  /** What must come of it. */
  readonly outcome: string;
  /** From when to when `seconds` is counted. */
  readonly counted: string;
  /** Nothing else may run meanwhile. */
  readonly alone?: boolean;
  readonly run: (round: Round) => Promise<Recovered>;
}

/** mulberry32: the same seed gives the same numbers. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const left = [...items];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(Math.floor(random() * left.length), 1));
  return order;
}
