import type { Comparison } from '@lamina/domain/results/types.ts';
import { lazy, memo, Suspense, useMemo, useState } from 'react';
import { varyingParameters } from '../matrix.ts';
import { Choice } from '../ui/choice.tsx';
import { Card, Section } from '../ui/section.tsx';
import styles from './comparison.module.css';
import { devicesOf, type FigureKey, figures } from './figures.ts';
import { Heatmap } from './heatmap.tsx';
import { Tables } from './tables.tsx';

// One chunk with the plotting library, loaded when a comparison is first shown.
const IntervalPlot = lazy(async () => ({ default: (await import('./plots/plots.tsx')).IntervalPlot }));
const ParetoPlot = lazy(async () => ({ default: (await import('./plots/plots.tsx')).ParetoPlot }));
const TotalBitsPlot = lazy(async () => ({ default: (await import('./plots/plots.tsx')).TotalBitsPlot }));

/** Up to this many columns the heatmap leaves room for a plot next to it. */
const NARROW_COLUMNS = 4;

const CHOICES: readonly { key: FigureKey; title: string }[] = [
  { key: 'loss', title: 'Loss' },
  { key: 'perplexity', title: 'Perplexity' },
  { key: 'speed', title: 'Speed' },
  { key: 'memory', title: 'Memory' },
];

/** The answer: the sentence, what to know about it, the plots and the tables. */
const ComparisonView = memo(function ComparisonView({ comparison }: { comparison: Comparison }) {
  const [chosen, setChosen] = useState<FigureKey>('loss');
  const all = useMemo(() => figures(comparison.rows), [comparison.rows]);
  // Searched values would each be a column of their own.
  const plain = useMemo(() => comparison.rows.filter(({ suggestedBy }) => !suggestedBy), [comparison.rows]);
  const metric = all[chosen];
  return (
    <div className={styles.comparison}>
      <Answer comparison={comparison} />
      <Section
        title="At a glance"
        text={`${metric.title} by layers and precision${deviceText(comparison)}.`}
        tools={<Choice label="Figure shown" options={CHOICES} value={chosen} onChange={setChosen} />}
      >
        <div className={styles.stack}>
          <div className={isNarrow(plain) ? styles.sideBySide : styles.stack}>
            <Heatmap rows={plain} metric={metric} />
            <Suspense fallback={<Waiting />}>
              <IntervalPlot rows={comparison.rows} metric={metric} />
            </Suspense>
          </div>
          <Suspense fallback={<Waiting />}>
            <div className={styles.trio}>
              <ParetoPlot rows={comparison.rows} x={all.memory} y={all.loss} title="Quality against memory" />
              <ParetoPlot rows={comparison.rows} x={all.speed} y={all.loss} title="Quality against speed" />
              {comparison.totalBits.length > 0 ? <TotalBitsPlot lines={comparison.totalBits} /> : null}
            </div>
          </Suspense>
        </div>
      </Section>
      <Tables comparison={comparison} />
    </div>
  );
});

export default ComparisonView;

function Waiting() {
  return (
    <div className={styles.loading} role="status">
      Loading the plots
    </div>
  );
}

function isNarrow(rows: Comparison['rows']): boolean {
  const columns = new Set(rows.map((row) => `${row.precision} ${row.method}`)).size;
  return columns <= NARROW_COLUMNS && varyingParameters(rows).length === 0;
}

function deviceText(comparison: Comparison): string {
  const devices = devicesOf(comparison);
  return devices.length === 0 ? '' : `, measured on ${devices.join(' and ')}`;
}

function Answer({ comparison: { recommendation, notes } }: { comparison: Comparison }) {
  return (
    <div className={styles.stack}>
      <Card>
        <p className={styles.answer}>{recommendation.sentence}</p>
      </Card>
      {notes.length > 0 ? (
        <ul className={styles.notes} aria-label="Notes">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
