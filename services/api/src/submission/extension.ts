import { AXIS_NAMES, type AxisName, axisSchemas } from '@lamina/domain/spec/axes.ts';
import { canonical } from '@lamina/domain/spec/canonical.ts';
import type { ExperimentDocument } from '@lamina/domain/spec/document.ts';
import type { Issue } from '@lamina/domain/spec/parse.ts';
import { invalid } from './prepare.ts';

/**
 * The document with further values on its axes.
 *
 * @throws ApiError invalid-document: an axis the experiment does not have would give its cells another meaning
 */
export function extended(document: ExperimentDocument, more: Readonly<Record<string, readonly unknown[]>>): object {
  const issues: Issue[] = [];
  const matrix: Record<string, unknown> = { ...document.matrix };
  for (const [axis, values] of Object.entries(more)) {
    const present = isAxis(axis) ? document.matrix[axis] : undefined;
    if (present === undefined) {
      const axes = AXIS_NAMES.filter((name) => document.matrix[name] !== undefined);
      issues.push({
        path: `matrix.${axis}`,
        message: 'is not an axis of this experiment',
        fix: `extend one of its axes (${axes.join(', ')}), or submit a new experiment`,
      });
      continue;
    }
    const known = new Set(present.map((value) => canonical(value)));
    matrix[axis] = [...present, ...values.filter((value) => !known.has(canonical(meant(axis as AxisName, value))))];
  }
  if (Object.keys(more).length === 0) {
    issues.push({ path: 'matrix', message: 'names no axis', fix: 'add values to one, e.g. {"seed": [4, 5]}' });
  }
  if (issues.length > 0) throw invalid(issues);
  return { ...document, matrix };
}

/** As the document would hold it; a value with a mistake stays as it is, to be complained of by its reader. */
function meant(axis: AxisName, value: unknown): unknown {
  const read = axisSchemas[axis].safeParse(value);
  return read.success ? read.data : value;
}

function isAxis(name: string): name is AxisName {
  return (AXIS_NAMES as readonly string[]).includes(name);
}
