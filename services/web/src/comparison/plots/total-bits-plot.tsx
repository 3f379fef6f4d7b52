import type { TotalBitsLine } from '@lamina/domain/results/types.ts';
import * as Plot from '@observablehq/plot';
import { useMemo } from 'react';
import { fixed } from '../../format.ts';
import { seriesOf } from '../points.ts';
import { GRID, seriesScales, TIP } from './common.ts';
import { PlotFigure } from './plot-figure.tsx';

/** Bits of the base weights against quality, one line a precision, its points are depths. */
export function TotalBitsPlot({ lines }: { lines: readonly TotalBitsLine[] }) {
  const { series, nameOf } = useMemo(() => seriesOf(lines), [lines]);
  const options = useMemo(() => {
    const all = lines.flatMap((line) =>
      line.points.flatMap((point) =>
        point.loss.mean === null
          ? []
          : [
              {
                line: line.label,
                series: nameOf(line),
                gigabits: point.totalBits / 1e9,
                loss: point.loss.mean,
                low: point.loss.low,
                high: point.loss.high,
                text: `${point.label}\n${(point.totalBits / 1e9).toPrecision(3)} Gbit, loss ${fixed(point.loss.mean, 3)}`,
              },
            ],
      ),
    );
    return (width: number): Plot.PlotOptions => ({
      height: Math.round(Math.max(260, Math.min(340, width * 0.62))),
      marginLeft: 52,
      marginRight: 20,
      marginTop: 14,
      marginBottom: 40,
      x: {
        type: 'log',
        label: 'Bits of the base weights (Gbit, logarithmic)',
        labelAnchor: 'center',
        labelArrow: 'none',
        inset: 14,
        ticks: 5,
        tickFormat: (value: number) => String(Number(value.toPrecision(2))),
      },
      y: { label: null, nice: true, inset: 10, ticks: 6 },
      ...seriesScales(series),
      marks: [
        Plot.gridX({ ...GRID, ticks: 5 }),
        Plot.gridY({ ...GRID, ticks: 6 }),
        Plot.ruleX(
          all.filter((point) => point.low !== null),
          { x: 'gigabits', y1: 'low', y2: 'high', stroke: 'series', strokeOpacity: 0.4, strokeWidth: 1.5 },
        ),
        Plot.line(all, { x: 'gigabits', y: 'loss', z: 'line', stroke: 'series', strokeWidth: 2 }),
        Plot.dot(all, {
          x: 'gigabits',
          y: 'loss',
          fill: 'series',
          symbol: 'series',
          r: 5,
          stroke: 'var(--surface)',
          strokeWidth: 1.5,
        }),
        Plot.tip(all, Plot.pointer({ x: 'gigabits', y: 'loss', title: 'text', ...TIP })),
      ],
    });
  }, [lines, series, nameOf]);
  return (
    <PlotFigure
      title="Total bits"
      caption="Held-out loss (nats per token) upwards. Lower at the same bits is the better use of memory; the points of a line are depths."
      summary="Held-out loss against the bits of the base weights, one line for each precision."
      series={series}
      options={options}
    />
  );
}
