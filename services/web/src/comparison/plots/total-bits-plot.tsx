import { BITS } from '@lamina/domain/results/tables/bits.ts';
import type { TotalBitsLine } from '@lamina/domain/results/types.ts';
import * as Plot from '@observablehq/plot';
import { useMemo } from 'react';
import { fixed } from '../../format.ts';
import { seriesOf } from '../points.ts';
import { logTicks } from '../ticks.ts';
import { GRID, seriesScales, TIP } from './common.ts';
import { PlotFigure } from './plot-figure.tsx';

const UNITS = [
  { name: 'Tbit', bits: 1e12 },
  { name: 'Gbit', bits: 1e9 },
  { name: 'Mbit', bits: 1e6 },
  { name: 'kbit', bits: 1e3 },
];

/** Bits of the base weights against quality, one line a precision, its points are depths. */
export function TotalBitsPlot({ lines }: { lines: readonly TotalBitsLine[] }) {
  const { series, nameOf } = useMemo(() => seriesOf(lines), [lines]);
  const options = useMemo(() => {
    const largest = Math.max(0, ...lines.flatMap((line) => line.points.map((point) => point.totalBits)));
    const unit = UNITS.find(({ bits }) => largest >= bits) ?? { name: 'bit', bits: 1 };
    const all = lines.flatMap((line) =>
      line.points.flatMap((point) =>
        point.loss.mean === null
          ? []
          : [
              {
                line: line.label,
                series: nameOf(line),
                bits: point.totalBits / unit.bits,
                loss: point.loss.mean,
                low: point.loss.low,
                high: point.loss.high,
                text: `${point.label}\n${(point.totalBits / unit.bits).toPrecision(3)} ${unit.name}, loss ${fixed(point.loss.mean, 3)}`,
              },
            ],
      ),
    );
    const values = all.map((point) => point.bits);
    return (width: number): Plot.PlotOptions => {
      const ticks = logTicks(Math.min(...values), Math.max(...values), Math.max(3, Math.floor(width / 60)));
      return {
        height: Math.round(Math.max(260, Math.min(340, width * 0.62))),
        marginLeft: 52,
        marginRight: 20,
        marginTop: 14,
        marginBottom: 40,
        x: {
          type: 'log',
          label: `Bits of the base weights (${unit.name}, logarithmic)`,
          labelAnchor: 'center',
          labelArrow: 'none',
          inset: 14,
          ticks,
          tickFormat: String,
        },
        y: { label: null, nice: true, inset: 10, ticks: 6 },
        ...seriesScales(series),
        marks: [
          Plot.gridX({ ...GRID, ticks }),
          Plot.gridY({ ...GRID, ticks: 6 }),
          Plot.ruleX(
            all.filter((point) => point.low !== null),
            { x: 'bits', y1: 'low', y2: 'high', stroke: 'series', strokeOpacity: 0.4, strokeWidth: 1.5 },
          ),
          Plot.line(all, { x: 'bits', y: 'loss', z: 'line', stroke: 'series', strokeWidth: 2 }),
          Plot.dot(all, {
            x: 'bits',
            y: 'loss',
            fill: 'series',
            symbol: 'series',
            r: 5,
            stroke: 'var(--surface)',
            strokeWidth: 1.5,
          }),
          Plot.tip(all, Plot.pointer({ x: 'bits', y: 'loss', title: 'text', ...TIP })),
        ],
      };
    };
  }, [lines, series, nameOf]);
  return (
    <PlotFigure
      title={BITS.title}
      caption="Held-out loss (nats per token) upwards. Lower at the same bits is the better use of memory; the points of a line are depths."
      summary="Held-out loss against the bits of the base weights, one line for each precision."
      series={series}
      options={options}
    />
  );
}
