/** Terms of an estimate: what takes memory, how much, and where the formula comes from. */

/** Whose counter sees it: tensors, the allocator's pool, or the process as the driver sees it. */
export type Level = 'allocated' | 'reserved' | 'process';

export interface Term {
  readonly id: string;
  readonly title: string;
  readonly bytes: number;
  /** Where the formula comes from. */
  readonly source: string;
  readonly level: Level;
  /** Also there between two steps. */
  readonly steady: boolean;
}

type Options = { readonly steady?: boolean; readonly level?: Level };

export function term(id: string, title: string, bytes: number, source: string, options: Options = {}): Term {
  const { steady = false, level = 'allocated' } = options;
  return { id, title, bytes: Math.ceil(bytes), source, level, steady };
}

export function totalBytes(terms: readonly Term[]): number {
  return terms.reduce((total, { bytes }) => total + bytes, 0);
}
