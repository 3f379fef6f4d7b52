/** One quality of an item: a number (null: not measured) and which way is better. */
export interface ParetoAxis<T> {
  readonly value: (item: T) => number | null;
  readonly better: 'lower' | 'higher';
}

/**
 * The items that no other item dominates: none is at least as good on every axis and better on one.
 * Items with a value missing are left out; items equal on every axis are all kept. Order is preserved.
 */
export function paretoFront<T>(items: readonly T[], axes: readonly ParetoAxis<T>[]): T[] {
  const scored = items.flatMap((item, index) => {
    const costs = axes.map(({ value, better }) => {
      const number = value(item);
      return number === null ? Number.NaN : better === 'lower' ? number : -number;
    });
    return costs.some(Number.isNaN) ? [] : [{ item, index, costs }];
  });
  // In lexicographic order an item can only be dominated by one before it, and then also by one on the front.
  const front: typeof scored = [];
  for (const candidate of scored.toSorted((a, b) => compareCosts(a.costs, b.costs))) {
    if (!front.some((other) => dominates(other.costs, candidate.costs))) front.push(candidate);
  }
  return front.sort((a, b) => a.index - b.index).map(({ item }) => item);
}

function compareCosts(a: readonly number[], b: readonly number[]): number {
  for (const [axis, cost] of a.entries()) {
    const other = b[axis] ?? 0;
    if (cost !== other) return cost < other ? -1 : 1;
  }
  return 0;
}

function dominates(a: readonly number[], b: readonly number[]): boolean {
  let better = false;
  for (const [axis, cost] of a.entries()) {
    const other = b[axis] ?? 0;
    if (cost > other) return false;
    if (cost < other) better = true;
  }
  return better;
}
