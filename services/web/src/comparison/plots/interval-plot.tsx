import type { ComparisonRow } from '@lamina/domain/results/types.ts';
import * as Plot from '@observablehq/plot';
import { useMemo } from 'react';
import type { PlottedFigure } from '../figures.ts';
import { seriesOf } from '../points.ts';
import { logTicks } from '../ticks.ts';
import { GRID, seriesScales, TIP } from './common.ts';
import { PlotFigure } from './plot-figure.tsx';

interface Bar {
  readonly label: string;
  readonly series: string;
  readonly mean: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly isBaseline: boolean;
  readonly text: string;
}

/** More cells than this make a plot nobody reads: the best ones are shown. */
const MOST = 60;

/** Mean and 95 % interval of each cell, single seeds behind, the baseline as a band. */
export function IntervalPlot({ rows: all, metric }: { rows: readonly ComparisonRow[]; metric: PlottedFigure }) {
  const rows = useMemo(() => best(all, metric), [all, metric]);
  const { series, nameOf } = useMemo(() => seriesOf(rows), [rows]);
  const options = useMemo(() => {
    const bars = rows.flatMap((row): Bar[] => {
      const { mean, low, high, n } = metric.estimate(row);
      if (mean === null) return [];
      const interval =
        low === null || high === null ? 'no interval' : `${metric.format(low)} to ${metric.format(high)}`;
      return [
        {
          label: row.label,
          series: nameOf(row),
          mean: metric.toAxis(mean),
          low: low === null ? null : metric.toAxis(low),
          high: high === null ? null : metric.toAxis(high),
          isBaseline: row.isBaseline,
          text: `${row.label}\n${metric.format(mean)} (${interval}), ${n} ${n === 1 ? 'seed' : 'seeds'}`,
        },
      ];
    });
    const seeds = rows.flatMap((row) =>
      metric
        .estimate(row)
        .samples.map((sample) => ({ label: row.label, series: nameOf(row), value: metric.toAxis(sample) })),
    );
    const baseline = bars.find((bar) => bar.isBaseline);
    const longest = Math.max(0, ...bars.map((bar) => bar.label.length));
    const ends = [
      ...seeds.map((seed) => seed.value),
      ...bars.flatMap(({ low, high, mean }) => [low ?? mean, high ?? mean]),
    ];
    return (width: number): Plot.PlotOptions => {
      const most = Math.max(3, Math.min(8, Math.floor(width / 110)));
      const ticks = metric.scale === 'log' ? logTicks(Math.min(...ends), Math.max(...ends), most + 2) : most;
      return {
        height: 64 + bars.length * 24,
        marginLeft: Math.min(Math.round(longest * 6.3) + 22, Math.round(width * 0.45)),
        marginRight: 16,
        marginTop: 8,
        marginBottom: 40,
        x: {
          type: metric.scale,
          label: metric.axis,
          labelAnchor: 'center',
          labelArrow: 'none',
          grid: false,
          nice: metric.scale === 'linear',
          inset: metric.scale === 'linear' ? 0 : 12,
          ticks,
          ...(metric.scale === 'log' ? { tickFormat: String } : {}),
        },
        y: { type: 'band', domain: bars.map((bar) => bar.label), label: null, padding: 0.3 },
        ...seriesScales(series),
        marks: [
          ...(baseline && baseline.low !== null && baseline.high !== null
            ? [Plot.rectX([baseline], { x1: 'low', x2: 'high', fill: 'var(--ink)', fillOpacity: 0.06 })]
            : []),
          Plot.gridX({ ...GRID, ticks }),
          ...(baseline ? [Plot.ruleX([baseline], { x: 'mean', stroke: 'var(--ink-3)', strokeDasharray: '3 3' })] : []),
          Plot.axisY({ tickSize: 0, tickPadding: 8, textOverflow: 'ellipsis', fill: 'var(--ink)', lineWidth: 22 }),
          Plot.ruleY(
            bars.filter((bar) => bar.low !== null),
            { y: 'label', x1: 'low', x2: 'high', stroke: 'series', strokeWidth: 2 },
          ),
          Plot.tickX(seeds, {
            x: 'value',
            y: 'label',
            stroke: 'series',
            strokeOpacity: 0.45,
            strokeWidth: 1.2,
            insetTop: 4,
            insetBottom: 4,
          }),
          Plot.dot(bars, {
            x: 'mean',
            y: 'label',
            fill: 'series',
            symbol: 'series',
            r: 5,
            stroke: 'var(--surface)',
            strokeWidth: 1.5,
          }),
          Plot.tip(bars, Plot.pointerY({ x: 'mean', y: 'label', title: 'text', ...TIP })),
        ],
      };
    };
  }, [rows, metric, series, nameOf]);
  return (
    <PlotFigure
      title={`${metric.title} with 95 % intervals`}
      caption={`Large mark: mean over seeds. Ticks: single seeds. Dashed line and band: the baseline.${rows.length < all.length ? ` The best ${rows.length} of ${all.length} cells.` : ''}`}
      summary={`${metric.title} of each cell, mean and 95 percent interval. The training matrix has the same numbers.`}
      series={series}
      options={options}
    />
  );
}

function best(all: readonly ComparisonRow[], metric: PlottedFigure): readonly ComparisonRow[] {
  if (all.length <= MOST) return all;
  const sign = metric.better === 'lower' ? 1 : -1;
  const measured = all.filter((row) => metric.estimate(row).mean !== null);
  const value = (row: ComparisonRow) => sign * (metric.estimate(row).mean ?? 0);
  const chosen = new Set(measured.toSorted((a, b) => value(a) - value(b)).slice(0, MOST));
  return measured.filter((row) => chosen.has(row) || row.isBaseline);
}
