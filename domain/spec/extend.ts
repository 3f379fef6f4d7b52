/** Further values for the axes of an experiment that exists already. */
import { type AxisName, isAxis } from './axes.ts';
import { canonical } from './canonical.ts';
import type { ExperimentDocument } from './document.ts';
import { readAxis, unknownAxis } from './matrix.ts';
import { type ParsedDocument, parseDocument } from './parse.ts';
import type { Issue } from './problems.ts';

/**
 * The document with values added to its axes, each after those that are there; values that are there already add
 * nothing. A setting that was no axis becomes one, with the value it had as the first. Expanding the result gives every
 * trial of the old document with the same id, and the new ones.
 */
export function extendDocument(document: ExperimentDocument, axes: Readonly<Record<string, unknown>>): ParsedDocument {
  const issues: Issue[] = [];
  const matrix: Record<string, unknown> = { ...document.matrix };
  let model = document.model;
  for (const [name, values] of Object.entries(axes)) {
    if (!isAxis(name)) {
      issues.push(unknownAxis(name, ['matrix', name]));
      continue;
    }
    const added = readAxis(name, values, ['matrix', name], issues);
    const present = presentValues(document, name);
    const known = new Set(present.map(canonical));
    const fresh = added.filter((value) => !known.has(canonical(value)));
    if (fresh.length === 0) continue;
    matrix[name] = [...present, ...fresh];
    if (name === 'model') model = null;
  }
  if (issues.length > 0) return { ok: false, issues };
  return parseDocument({ ...document, model, matrix });
}

function presentValues(document: ExperimentDocument, axis: AxisName): readonly unknown[] {
  const values = document.matrix[axis];
  if (values !== undefined) return values;
  if (axis === 'model') return document.model === null ? [] : [document.model];
  const [section, key] = axis.split('.') as ['training' | 'lora' | 'quantization' | 'evaluation', string];
  const base = (document[section] as Readonly<Record<string, unknown>> | null)?.[key];
  return base === undefined ? [] : [base];
}
