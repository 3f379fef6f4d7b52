import assert from 'node:assert/strict';

/** A mistake that somebody could make in a formula, and the tests that must notice it. */
export interface Mutation {
  readonly what: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly guard: string;
}

/** The formula is where the table says: one that has moved would be guarded by nothing. */
export function assertOnce(source: string, { file, find }: Mutation): void {
  assert.equal(source.split(find).length - 1, 1, `${find} is not, or not once, in ${file}: update the table`);
}
