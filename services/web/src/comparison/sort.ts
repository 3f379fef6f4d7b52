/** Sorting of table rows: unmeasured values go last in both directions. */
export type SortValue = number | string | null;
export interface SortState {
  readonly column: string;
  readonly direction: 'ascending' | 'descending';
}

export function sortRows<R>(
  rows: readonly R[],
  value: (row: R) => SortValue,
  direction: SortState['direction'],
): readonly R[] {
  const sign = direction === 'ascending' ? 1 : -1;
  return rows.toSorted((left, right) => {
    const [a, b] = [value(left), value(right)];
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    if (typeof a === 'number' && typeof b === 'number') return sign * (a - b);
    return sign * String(a).localeCompare(String(b), 'en', { numeric: true });
  });
}

/** First click: best first where a best exists, else ascending; then the other way; then the given order. */
export function nextSort(current: SortState | null, column: string, first: SortState['direction']): SortState | null {
  if (current?.column !== column) return { column, direction: first };
  if (current.direction === first) {
    return { column, direction: first === 'ascending' ? 'descending' : 'ascending' };
  }
  return null;
}
