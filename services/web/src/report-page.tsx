import type { Comparison } from '@lamina/domain/results/types.ts';
import ComparisonView from './comparison/comparison-view.tsx';
import { plural } from './format.ts';
import styles from './report-page.module.css';

export function ReportPage({ comparison }: { comparison: Comparison | null }) {
  if (comparison === null) {
    return (
      <main className={styles.page}>
        <h1>No comparison in this file</h1>
        <p>It is a template: the API puts a comparison into it and serves it as an experiment’s comparison.html.</p>
      </main>
    );
  }
  const trials = comparison.rows.reduce((sum, row) => sum + row.trials.total, 0);
  return (
    <main className={styles.page}>
      <header className={styles.head}>
        <h1>{comparison.name}</h1>
        <p>
          Comparison of {plural(comparison.rows.length, 'cell')} in {plural(trials, 'trial')} · experiment{' '}
          {comparison.experimentId} · {comparison.state}
        </p>
      </header>
      <ComparisonView comparison={comparison} />
    </main>
  );
}
