/** All combinations of a matrix, before any of them is judged. */

import { hasAdapters, hasMasterWeights, type Method } from '../vocabulary/methods.ts';
import { DOUBLE_QUANTIZED, type Precision } from '../vocabulary/precisions.ts';
import type { AxisName, AxisValue, Matrix, PartialMatrix } from './axes.ts';
import { AXIS_NAMES } from './axes.ts';
import type { ExperimentDocument } from './document.ts';

/** A value for each axis but the seed. */
export type Choice = Readonly<Partial<Record<AxisName, AxisValue>>>;

/** A cell as a document asks for it. */
export interface Candidate {
  readonly choice: Choice;
  readonly seeds: readonly number[];
  /** From `matrix.include`: exclusions do not apply. */
  readonly included: boolean;
}

export function candidates({ matrix }: Pick<ExperimentDocument, 'matrix'>): readonly Candidate[] {
  const plain = product(axesOf(matrix)).map((choice) => ({ choice, seeds: matrix.seed, included: false }));
  const further = matrix.include.flatMap((entry) =>
    product(entryAxes(entry, matrix)).map((choice) => ({ choice, seeds: entry.seed ?? matrix.seed, included: true })),
  );
  return [...plain, ...further];
}

/** Upper bound of the number of trials, without building them. */
export function countTrials(matrix: Matrix): number {
  const size = (axes: Axes) => axes.reduce((count, [, values]) => count * values.length, 1);
  return matrix.include.reduce(
    (count, entry) => count + size(entryAxes(entry, matrix)) * (entry.seed ?? matrix.seed).length,
    size(axesOf(matrix)) * matrix.seed.length,
  );
}

/** Upper bound of the number of cells. */
export function countCells(matrix: Matrix): number {
  const one = (entry: PartialMatrix) => ({ ...entry, seed: [0] });
  return countTrials({ ...matrix, seed: [0], include: matrix.include.map(one) });
}

type Axes = readonly (readonly [AxisName, readonly AxisValue[]])[];

function axesOf(matrix: PartialMatrix): Axes {
  return AXIS_NAMES.flatMap((name) => {
    const values = matrix[name];
    return name === 'seed' || values === undefined ? [] : [[name, values] as const];
  });
}

/** An entry of `include`: axes that it does not name take their first value. */
function entryAxes(entry: PartialMatrix, matrix: PartialMatrix): Axes {
  return AXIS_NAMES.flatMap((name) => {
    const values = entry[name] ?? matrix[name]?.slice(0, 1);
    return name === 'seed' || values === undefined ? [] : [[name, values] as const];
  });
}

/** Later axes vary faster. An axis that means nothing for a combination is left out of it instead of multiplying it. */
function product(axes: Axes): readonly Choice[] {
  return axes.reduce<readonly Choice[]>(
    (choices, [name, values]) =>
      choices.flatMap((choice) =>
        applies(name, choice) ? values.map((value) => ({ ...choice, [name]: value })) : [choice],
      ),
    [{}],
  );
}

/** Conditional axes: adapter settings need adapters, double quantization a 4-bit precision, master weights 16 bits. */
export function applies(axis: AxisName, choice: Choice): boolean {
  if (axis.startsWith('lora.')) return hasAdapters(choice.method as Method);
  if (axis === 'quantization.doubleQuant') return DOUBLE_QUANTIZED.has(choice.precision as Precision);
  if (axis === 'training.masterWeights')
    return hasMasterWeights(choice.method as Method, choice.precision as Precision);
  return true;
}
