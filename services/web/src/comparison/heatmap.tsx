import type { Estimate } from '@lamina/domain/results/estimates.ts';
import { type HeatScale, heatScale } from '@lamina/domain/results/tables/heat.ts';
import type { ComparisonRow } from '@lamina/domain/results/types.ts';
import { type CSSProperties, useMemo } from 'react';
import { DASH, plural } from '../format.ts';
import { layoutMatrix, type MatrixColumn } from '../matrix.ts';
import { Card } from '../ui/section.tsx';
import type { PlottedFigure } from './figures.ts';
import styles from './heatmap.module.css';
import { depthOf } from './points.ts';

/** Layers × precision, one number a cell. A table, so that it reads well without colour and without eyes. */
export function Heatmap({ rows, metric }: { rows: readonly ComparisonRow[]; metric: PlottedFigure }) {
  const panels = useMemo(
    () => layoutMatrix(rows, (row) => ({ ...row, layers: row.layers.choice, depth: depthOf(row) })),
    [rows],
  );
  const scale = useMemo(
    () =>
      heatScale(
        rows.map((row) => metric.estimate(row).mean),
        metric,
      ),
    [rows, metric],
  );
  return (
    <Card>
      <div className={styles.card}>
        <div className={styles.panels}>
          {panels.map((panel) => (
            <div key={panel.key} className={styles.panel} style={panelSize(panel.columns.length)}>
              {panel.title ? <h3 className={styles.title}>{panel.title}</h3> : null}
              <table className={styles.map}>
                <caption className="visually-hidden">
                  {metric.title} by layers and precision{panel.title ? `, ${panel.title}` : ''}
                </caption>
                <thead>
                  <tr>
                    <td className={styles.corner} />
                    {panel.columns.map((column) => (
                      <ColumnHead key={column.key} column={column} />
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {panel.rows.map((row) => (
                    <tr key={row.key}>
                      <th scope="row" className={styles.rowHead}>
                        {row.label} {row.label === '1' ? 'layer' : 'layers'}
                        {row.detail ? <small>{row.detail}</small> : null}
                      </th>
                      {row.items.map((item, index) => (
                        <Cell key={panel.columns[index]?.key} row={item} metric={metric} scale={scale} />
                      ))}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          ))}
        </div>
        <Legend metric={metric} scale={scale} hasBaseline={rows.some((row) => row.isBaseline)} />
      </div>
    </Card>
  );
}

function panelSize(columns: number): CSSProperties {
  return { flex: `1 1 ${96 + columns * 76}px`, maxWidth: 96 + columns * 240 };
}

function ColumnHead({ column }: { column: MatrixColumn }) {
  return (
    <th scope="col">
      {column.precision}
      <small>{column.method}</small>
    </th>
  );
}

function Cell({ row, metric, scale }: { row: ComparisonRow | null; metric: PlottedFigure; scale: HeatScale | null }) {
  if (row === null) return <td className={styles.none} />;
  const estimate = metric.estimate(row);
  const t = scale?.intensity(estimate.mean) ?? null;
  const interval = intervalText(estimate, metric);
  const classes = [styles.cell, estimate.mean === null ? styles.missing : '', row.isBaseline ? styles.baseline : ''];
  return (
    <td
      className={classes.join(' ')}
      style={t === null ? { ['--t' as string]: '0' } : { ['--t' as string]: t.toFixed(3) }}
      title={`${row.label}: ${metric.format(estimate.mean)}, ${plural(estimate.n, 'seed')}`}
    >
      {estimate.mean === null ? estimate.n === 0 ? <Missing row={row} /> : DASH : metric.format(estimate.mean)}
      {interval === null ? null : <small>{interval}</small>}
      {row.isBaseline ? <span className="visually-hidden"> (baseline)</span> : null}
    </td>
  );
}

/** Half of the interval where it is symmetric, else both ends. */
function intervalText({ low, high }: Estimate, metric: PlottedFigure): string | null {
  if (low === null || high === null) return null;
  if (metric.scale === 'log') return `${metric.format(low)} – ${metric.format(high)}`;
  return `± ${metric.format((high - low) / 2)}`;
}

function Missing({ row }: { row: ComparisonRow }) {
  const { diverged = 0, failed = 0 } = row.trials.byState;
  return (
    <>
      {DASH}
      {diverged + failed > 0 ? <small>{diverged > 0 ? 'diverged' : 'failed'}</small> : null}
    </>
  );
}

function Legend({
  metric,
  scale,
  hasBaseline,
}: {
  metric: PlottedFigure;
  scale: HeatScale | null;
  hasBaseline: boolean;
}) {
  if (scale === null) return null;
  return (
    <div className={styles.legend}>
      <span>worst {metric.format(scale.worst)}</span>
      <span className={styles.ramp} aria-hidden="true" />
      <span>best {metric.format(scale.best)}</span>
      {hasBaseline ? (
        <>
          <span className={styles.key} aria-hidden="true" />
          <span>baseline</span>
        </>
      ) : null}
    </div>
  );
}
