/** Further values for the axes of an experiment that exists already. */

import { canonical } from '../vocabulary/canonical.ts';
import { AXIS_NAMES, isAxis } from './axes.ts';
import type { ExperimentDocument } from './document.ts';
import { readAxis } from './matrix.ts';
import { type ParsedDocument, parseDocument } from './parse.ts';
import { type Issue, issue } from './problems.ts';

/**
 * The document with values added to its axes, each after those that are there; values that are there already add
 * nothing. Expanding the result gives every trial of the old document with the same id, and the new ones.
 * Only axes that the document has can grow: a new axis would change what the labels of its cells leave out.
 */
export function extendDocument(document: ExperimentDocument, axes: Readonly<Record<string, unknown>>): ParsedDocument {
  const issues: Issue[] = [];
  const matrix: Record<string, unknown> = { ...document.matrix };
  for (const [name, values] of Object.entries(axes)) {
    const present = isAxis(name) ? document.matrix[name] : undefined;
    if (!isAxis(name) || present === undefined) {
      const own = AXIS_NAMES.filter((axis) => document.matrix[axis] !== undefined).join(', ');
      const fix = `extend one of its axes (${own}), or submit a new experiment`;
      issues.push(issue(['matrix', name], 'is not an axis of this experiment', fix));
      continue;
    }
    const known = new Set(present.map(canonical));
    const added = readAxis(name, values, ['matrix', name], issues);
    matrix[name] = [...present, ...added.filter((value) => !known.has(canonical(value)))];
  }
  if (Object.keys(axes).length === 0)
    issues.push(issue(['matrix'], 'names no axis', 'add values to one, e.g. {"seed": [4, 5]}'));
  if (issues.length > 0) return { ok: false, issues };
  return parseDocument({ ...document, matrix });
}
