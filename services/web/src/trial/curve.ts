/** A loss curve as an SVG path. */
export interface CurvePoint {
  readonly step: number;
  /** Null where the loss was not finite: the line breaks there. */
  readonly loss: number | null;
}

export interface Curve {
  readonly path: string;
  readonly min: number;
  readonly max: number;
  readonly firstStep: number;
  readonly lastStep: number;
  readonly last: { readonly x: number; readonly y: number; readonly loss: number };
}

/** Null where no finite loss is known. */
export function lossCurve(points: readonly CurvePoint[], width: number, height: number): Curve | null {
  const sorted = points.toSorted((a, b) => a.step - b.step);
  const finite = sorted.filter((point): point is { step: number; loss: number } => point.loss !== null);
  const [first, last] = [sorted[0], finite.at(-1)];
  if (!first || !last) return null;
  const losses = finite.map((point) => point.loss);
  const [min, max] = [Math.min(...losses), Math.max(...losses)];
  const lastStep = sorted.at(-1)?.step ?? first.step;
  const x = (step: number) =>
    lastStep === first.step ? width : (width * (step - first.step)) / (lastStep - first.step);
  const y = (loss: number) => (max === min ? height / 2 : (height * (max - loss)) / (max - min));
  let path = '';
  let pen: 'M' | 'L' = 'M';
  for (const { step, loss } of sorted) {
    if (loss === null) pen = 'M';
    else {
      path += `${pen}${x(step).toFixed(1)},${y(loss).toFixed(1)}`;
      pen = 'L';
    }
  }
  return {
    path,
    min,
    max,
    firstStep: first.step,
    lastStep,
    last: { x: x(last.step), y: y(last.loss), loss: last.loss },
  };
}
