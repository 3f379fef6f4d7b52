/** The best suggestions of a study. */
import type { StudySpec } from '../contract/search.ts';
import { paretoFront } from '../measures/pareto.ts';

interface Ended {
  readonly number: number;
  readonly values: readonly number[] | null;
}

/** The best by value, the first of equals; with several directions the Pareto front. Those without values are left out. */
export function bestOf<T extends Ended>(suggestions: readonly T[], directions: StudySpec['directions']): readonly T[] {
  const front = paretoFront(
    suggestions,
    directions.map((direction, index) => ({
      value: ({ values }: T) => values?.[index] ?? null,
      better: direction === 'minimize' ? ('lower' as const) : ('higher' as const),
    })),
  );
  return directions.length === 1 ? front.slice(0, 1) : front;
}
