/** Checks of what points into the matrix: the baseline, and the conditions of `matrix.exclude`. */

import { keptLayers } from '../contract/layer-strategies.ts';
import { canonical } from '../vocabulary/canonical.ts';
import { DOUBLE_QUANTIZED, type Precision } from '../vocabulary/precisions.ts';
import { type AxisName, type AxisValue, isAxis } from './axes.ts';
import { type Report, type Subject, valuesAt } from './check-subject.ts';
import { compile } from './conditions.ts';
import { described } from './problems.ts';

/** A baseline that no cell can have is a mistake; one that several have is worth a word. */
export function baselineChecks(subject: Subject, report: Report): void {
  const { matrix, baseline, sound } = subject;
  if (baseline.seed !== undefined)
    report.issue(['baseline', 'seed'], 'cannot be chosen: cells are compared seed by seed', 'remove it');
  for (const [name, wanted] of Object.entries(baseline)) {
    if (!isAxis(name) || name === 'seed' || !sound(name) || wanted === undefined) continue;
    const values = possible(subject, name);
    // Whether 18 layers are all of them is not known before the model is.
    if (name === 'layers' && canonical(wanted) === canonical({ strategy: 'all' })) continue;
    if (values.length === 0 || values.some((value) => canonical(value) === canonical(wanted))) continue;
    report.issue(
      ['baseline', name],
      `matches no cell: the matrix has ${values.map(written).join(', ')}, not ${written(wanted)}`,
      `write one of them, or add ${written(wanted)} to matrix.${name}`,
    );
  }
  const open = Object.entries(matrix).filter(
    ([name, values]) =>
      isAxis(name) && name !== 'seed' && !(name in baseline) && (values as readonly unknown[]).length > 1,
  );
  if (Object.keys(baseline).length > 0 && open.length > 0)
    report.warn(
      ['baseline'],
      `may match several cells: it does not say ${open.map(([name]) => name).join(', ')}; the first of the matrix is taken`,
    );
}

/** A condition that no value of its axis fulfils does nothing. */
export function excludeChecks(subject: Subject, report: Report): void {
  for (const [index, matcher] of subject.matrix.exclude.entries()) {
    for (const [name, conditions] of Object.entries(matcher)) {
      if (!isAxis(name) || !subject.sound(name)) continue;
      const values = possible(subject, name);
      for (const condition of conditions ?? []) {
        const compiled = compile(name, condition, []);
        if ('issues' in compiled || values.length === 0) continue;
        const fulfilled = values.some((value) => compiled.value({ value, kept: keptOf(value) }));
        if (!fulfilled)
          report.warn(
            ['matrix', 'exclude', index, name],
            `leaves nothing out: ${described(condition)} is none of ${values.map(written).join(', ')}`,
          );
      }
    }
  }
}

/** The values that an axis has in some cell. */
function possible(subject: Subject, axis: AxisName): readonly AxisValue[] {
  const { document, matrix } = subject;
  if (axis.includes('.')) return valuesAt(subject, axis as Parameters<typeof valuesAt>[1]);
  const base = axis === 'model' && document.model !== undefined && document.model !== null ? [document.model] : [];
  const values = [...((matrix[axis] ?? base) as readonly AxisValue[])];
  values.push(...matrix.include.flatMap((entry) => (entry[axis] ?? []) as readonly AxisValue[]));
  if (axis === 'precision') values.push(...values.flatMap((value) => DOUBLE_QUANTIZED.get(value as Precision) ?? []));
  return values;
}

function keptOf(value: AxisValue): number | null {
  return typeof value === 'object' && value !== null && 'strategy' in value ? keptLayers(value, null) : null;
}

function written(value: AxisValue): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if ('source' in value) return value.source === 'hf' ? value.id : value.path;
  if (!('strategy' in value)) return value.join('+');
  if (value.strategy === 'all') return 'all';
  return value.strategy === 'first' ? String(value.keep) : JSON.stringify(value);
}
