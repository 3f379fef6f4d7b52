/** Rows as points of a plot: what is drawn, in which series, and which of them no other beats. */
import { keptLayers } from '@lamina/domain/contract/layer-strategies.ts';
import { paretoFront } from '@lamina/domain/measures/pareto.ts';
import type { ComparisonRow } from '@lamina/domain/results/types.ts';
import type { Method } from '@lamina/domain/vocabulary/methods.ts';
import type { Precision } from '@lamina/domain/vocabulary/precisions.ts';
import { layersLabel } from '../matrix.ts';
import { byPrecisionThenMethod, PRECISION_STYLE } from '../precision.ts';
import type { SymbolName } from '../symbols.ts';
import type { PlottedFigure } from './figures.ts';

/** What a legend shows of a series. */
export interface Mark {
  readonly name: string;
  readonly color: string;
  readonly symbol: SymbolName;
}

export interface Series extends Mark {
  readonly precision: Precision;
  readonly method: Method;
}

export interface Point {
  readonly cellId: string;
  readonly label: string;
  /** Short label inside a plot that already shows the precision by mark and colour. */
  readonly short: string;
  readonly series: string;
  readonly x: number;
  readonly y: number;
  readonly yLow: number | null;
  readonly yHigh: number | null;
  readonly isBaseline: boolean;
  /** No other cell beats it on the two axes of this plot; the matrix marks the front of loss, memory and speed. */
  readonly onFrontOfPlot: boolean;
}

type Grouping = Pick<ComparisonRow, 'precision' | 'method'>;

/** One series a precision; the method is named where one precision was trained in several ways. */
export function seriesOf(rows: readonly Grouping[]): { series: readonly Series[]; nameOf: (row: Grouping) => string } {
  const methods = new Map<Precision, Set<Method>>();
  for (const row of rows) methods.set(row.precision, (methods.get(row.precision) ?? new Set()).add(row.method));
  const ambiguous = (precision: Precision) => (methods.get(precision)?.size ?? 0) > 1;
  const nameOf = (row: Grouping) => (ambiguous(row.precision) ? `${row.precision} ${row.method}` : row.precision);
  const series = new Map<string, Series>();
  for (const row of [...rows].sort(byPrecisionThenMethod)) {
    const name = nameOf(row);
    if (series.has(name)) continue;
    series.set(name, { name, precision: row.precision, method: row.method, ...PRECISION_STYLE[row.precision] });
  }
  return { series: withDistinctSymbols([...series.values()]), nameOf };
}

/** The second method of a precision keeps its colour and takes a mark that nothing else uses. */
function withDistinctSymbols(series: readonly Series[]): readonly Series[] {
  const spare: SymbolName[] = Object.values(PRECISION_STYLE)
    .map((style) => style.symbol)
    .filter((symbol) => !series.some((one) => one.symbol === symbol));
  const taken = new Set<SymbolName>();
  return series.map((one) => {
    const symbol = taken.has(one.symbol) ? (spare.shift() ?? one.symbol) : one.symbol;
    taken.add(symbol);
    return { ...one, symbol };
  });
}

export function points(rows: readonly ComparisonRow[], x: PlottedFigure, y: PlottedFigure): readonly Point[] {
  const { nameOf } = seriesOf(rows);
  const drawn = rows.flatMap((row) => {
    const [xs, ys] = [x.estimate(row), y.estimate(row)];
    if (xs.mean === null || ys.mean === null) return [];
    const point: Point = {
      cellId: row.cellId,
      label: row.label,
      short: depthLabel(row),
      series: nameOf(row),
      x: x.toAxis(xs.mean),
      y: y.toAxis(ys.mean),
      yLow: ys.low === null ? null : y.toAxis(ys.low),
      yHigh: ys.high === null ? null : y.toAxis(ys.high),
      isBaseline: row.isBaseline,
      onFrontOfPlot: false,
    };
    return [point];
  });
  const front = new Set(
    paretoFront(drawn, [
      { value: (point) => point.x, better: x.better },
      { value: (point) => point.y, better: y.better },
    ]),
  );
  return drawn.map((point) => ({ ...point, onFrontOfPlot: front.has(point) }));
}

export function depthLabel(row: Pick<ComparisonRow, 'layers'>): string {
  const { choice, kept } = row.layers;
  const depth = depthOf(row);
  const { label } = layersLabel(choice, kept?.length ?? depth);
  return label === 'all' ? 'all layers' : `${label} layers`;
}

export function depthOf(row: Pick<ComparisonRow, 'layers'>): number | null {
  const { choice, kept, original } = row.layers;
  if (kept !== null) return kept.length;
  return keptLayers(choice, original);
}
