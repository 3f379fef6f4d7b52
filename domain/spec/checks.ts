/** Checks that look at more than one field. Each is skipped where a field it needs has a mistake of its own. */
import type { AxisName, Matrix, PartialCell } from './axes.ts';
import type { ExperimentDocument } from './document.ts';
import { type Issue, issue } from './problems.ts';

/** What could be read of a document; sections with mistakes are missing. */
export type PartialDocument = Partial<ExperimentDocument> & {
  readonly matrix: Matrix;
  readonly baseline: PartialCell;
};

export interface CheckContext {
  readonly sound: (axis: AxisName) => boolean;
  /** The document as given, to tell what was written from what was filled in. */
  readonly given: Readonly<Record<string, unknown>>;
}

export interface Findings {
  readonly issues: readonly Issue[];
  readonly warnings: readonly Issue[];
}

export function crossChecks(document: PartialDocument, context: CheckContext): Findings {
  const issues: Issue[] = [];
  if (context.given.model === undefined && document.matrix.model === undefined)
    issues.push(issue(['model'], 'is required', 'name a model, or list several in matrix.model'));
  return { issues, warnings: [] };
}
