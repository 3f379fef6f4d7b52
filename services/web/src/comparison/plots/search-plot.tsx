import type { Comparison } from '@lamina/domain/results/types.ts';
import * as Plot from '@observablehq/plot';
import { useMemo } from 'react';
import { PRECISION_STYLE } from '../../precision.ts';
import { GRID, seriesScales, TIP } from './common.ts';
import { PlotFigure } from './plot-figure.tsx';

/** As many studies as there are marks to tell apart. */
const MARKS = Object.values(PRECISION_STYLE);

/** The best so far of each study over the hours that it has spent. */
export function SearchPlot({ studies: all }: { studies: Comparison['search']['studies'] }) {
  const studies = useMemo(() => all.slice(0, MARKS.length), [all]);
  const series = useMemo(
    () =>
      studies.flatMap(({ label }, index) => {
        const mark = MARKS[index];
        return mark === undefined ? [] : [{ name: label, ...mark }];
      }),
    [studies],
  );
  const options = useMemo(() => {
    const points = studies.flatMap(({ label, curve, hours }) => {
      const steps = curve.map(({ number, hours: at, best }) => ({ label, at, best, text: `suggestion ${number}` }));
      const last = steps.at(-1);
      return last === undefined || hours === null || hours <= last.at ? steps : [...steps, { ...last, at: hours }];
    });
    const titled = points.map((point) => ({ ...point, title: `${point.label}\n${point.text}: ${point.best}` }));
    return (width: number): Plot.PlotOptions => ({
      height: Math.round(Math.max(240, Math.min(320, width * 0.4))),
      marginLeft: 60,
      marginRight: 20,
      marginBottom: 40,
      x: { label: 'Hours spent', labelAnchor: 'center', labelArrow: 'none', nice: true },
      y: { label: null, nice: true, inset: 10, ticks: 6 },
      ...seriesScales(series),
      marks: [
        Plot.gridX(GRID),
        Plot.gridY({ ...GRID, ticks: 6 }),
        Plot.line(titled, { x: 'at', y: 'best', z: 'label', stroke: 'label', strokeWidth: 2, curve: 'step-after' }),
        Plot.dot(titled, { x: 'at', y: 'best', fill: 'label', symbol: 'label', r: 4 }),
        Plot.tip(titled, Plot.pointer({ x: 'at', y: 'best', title: 'title', ...TIP })),
      ],
    });
  }, [studies, series]);
  return (
    <PlotFigure
      title="Best so far"
      caption={`${studies[0]?.objective ?? ''} of the best suggestion, over the hours that all of them took.`}
      summary="The best value of each study over the hours it has spent."
      series={series}
      options={options}
    />
  );
}
