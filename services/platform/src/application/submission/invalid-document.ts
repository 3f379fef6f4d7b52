import type { Issue } from '@lamina/domain/spec/parse.ts';

/** A document with every mistake in it. */
export class InvalidDocument extends Error {
  override name = 'InvalidDocument';
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[]) {
    super(`the document has ${issues.length === 1 ? 'one mistake' : `${issues.length} mistakes`}`);
    this.issues = issues;
  }
}
