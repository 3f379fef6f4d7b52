import type { ComparisonRow } from '@lamina/domain/results/types.ts';
import * as Plot from '@observablehq/plot';
import { useMemo } from 'react';
import type { PlottedFigure } from '../figures.ts';
import { type Point, points, seriesOf } from '../points.ts';
import { GRID, seriesScales, sideLabels, TIP } from './common.ts';
import { PlotFigure } from './plot-figure.tsx';

/** Quality against a price (memory, time): the cells that nothing beats in both are joined and labelled. */
export function ParetoPlot({
  rows,
  x,
  y,
  title,
}: {
  rows: readonly ComparisonRow[];
  x: PlottedFigure;
  y: PlottedFigure;
  title: string;
}) {
  const { series } = useMemo(() => seriesOf(rows), [rows]);
  const options = useMemo(() => {
    const all = points(rows, x, y);
    const front = all.filter((point) => point.onFrontOfPlot).toSorted((a, b) => a.x - b.x);
    const rest = all.filter((point) => !point.onFrontOfPlot);
    // Between two points of a front the better of both is not reached: steps, not a slope.
    const curve = (x.better === 'lower') === (y.better === 'lower') ? 'step-after' : 'step-before';
    return (width: number): Plot.PlotOptions => ({
      height: Math.round(Math.max(260, Math.min(340, width * 0.62))),
      marginLeft: 52,
      marginRight: 20,
      marginTop: 14,
      marginBottom: 40,
      x: {
        label: x.axis,
        labelAnchor: 'center',
        labelArrow: 'none',
        nice: true,
        inset: 12,
        ticks: Math.max(3, Math.min(8, Math.floor(width / 90))),
      },
      y: { label: null, nice: true, inset: 10, ticks: 6 },
      ...seriesScales(series),
      marks: [
        Plot.gridX({ ...GRID, ticks: Math.max(3, Math.min(8, Math.floor(width / 90))) }),
        Plot.gridY({ ...GRID, ticks: 6 }),
        Plot.line(front, {
          x: 'x',
          y: 'y',
          curve,
          stroke: 'var(--ink-3)',
          strokeWidth: 1.25,
          strokeDasharray: '1 3',
          strokeLinecap: 'round',
        }),
        intervals(all),
        Plot.dot(rest, { x: 'x', y: 'y', fill: 'series', symbol: 'series', r: 4.5, fillOpacity: 0.45 }),
        Plot.dot(front, {
          x: 'x',
          y: 'y',
          fill: 'series',
          symbol: 'series',
          r: 6,
          stroke: 'var(--surface)',
          strokeWidth: 1.5,
        }),
        sideLabels(front, { x: (d) => d.x, y: (d) => d.y, text: (d) => d.short, obstacles: all }),
        Plot.tip(all, Plot.pointer({ x: 'x', y: 'y', title: (d: Point) => tooltip(d, x, y), ...TIP })),
      ],
    });
  }, [rows, x, y, series]);
  return (
    <PlotFigure
      title={title}
      caption={`${y.axis} upwards. Better is ${y.better === 'lower' ? 'lower' : 'higher'} and further ${x.better === 'lower' ? 'left' : 'right'}; the dotted steps join the cells that no other beats in these two; ◆ in the matrix counts loss, memory and speed.`}
      summary={`${y.title} against ${x.title.toLowerCase()}. The training matrix has the same numbers.`}
      series={series}
      options={options}
    />
  );
}

function intervals(all: readonly Point[]): Plot.Markish {
  return Plot.ruleX(
    all.filter((point) => point.yLow !== null),
    { x: 'x', y1: 'yLow', y2: 'yHigh', stroke: 'series', strokeOpacity: 0.4, strokeWidth: 1.5 },
  );
}

function tooltip(point: Point, x: PlottedFigure, y: PlottedFigure): string {
  return `${point.label}\n${y.axis}: ${point.y.toPrecision(4)}\n${x.axis}: ${point.x.toPrecision(4)}`;
}
