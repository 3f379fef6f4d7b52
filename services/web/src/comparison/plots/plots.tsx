import type { Comparison } from '@lamina/domain/results/types.ts';
import type { Metric, MetricKey } from '../metrics.ts';
import { IntervalPlot } from './interval-plot.tsx';
import { ParetoPlot } from './pareto-plot.tsx';
import styles from './plots.module.css';
import { TotalBitsPlot } from './total-bits-plot.tsx';

/** All plots in one module, so that the plotting library is loaded only with them. */
export default function Plots({
  comparison,
  all,
  metric,
}: {
  comparison: Comparison;
  all: Record<MetricKey, Metric>;
  metric: Metric;
}) {
  return (
    <>
      <IntervalPlot rows={comparison.rows} metric={metric} />
      <div className={styles.trio}>
        <ParetoPlot rows={comparison.rows} x={all.memory} y={all.loss} title="Quality against memory" />
        <ParetoPlot rows={comparison.rows} x={all.speed} y={all.loss} title="Quality against speed" />
        {comparison.totalBits.length > 0 ? <TotalBitsPlot lines={comparison.totalBits} /> : null}
      </div>
    </>
  );
}
