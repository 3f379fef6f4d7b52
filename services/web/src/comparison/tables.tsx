import {
  type Column,
  DEPTH_COLUMNS,
  GGUF_COLUMNS,
  INFERENCE_COLUMNS,
  QUANTIZATION_COST_COLUMNS,
  TASK_COLUMNS,
} from '@lamina/domain/results/columns.ts';
import type { Comparison, ComparisonRow } from '@lamina/domain/results/types.ts';
import { useCallback } from 'react';
import { Section } from '../ui/section.tsx';
import { DataTable } from './data-table.tsx';
import styles from './table.module.css';
import { TRAINING_COLUMNS } from './table-model.ts';

/** *Training matrix*: every measured figure of every cell. */
export function TrainingTable({ rows, bestCellId }: { rows: readonly ComparisonRow[]; bestCellId: string | null }) {
  const tags = useCallback(
    (row: ComparisonRow) => (
      <>
        {row.isBaseline ? <span className={styles.tag}>baseline</span> : null}
        {row.cellId === bestCellId ? <span className={styles.tag}>best</span> : null}
        {row.suggestedBy ? (
          <span className={styles.tag} title={`Suggestion ${row.suggestedBy.number} of ${row.suggestedBy.study}`}>
            searched
          </span>
        ) : null}
        {row.mixedEnvironment ? (
          <span
            className={`${styles.tag} ${styles.warn}`}
            title={`Device, driver, threads or trainer differ from the baseline’s, or within the row: ${row.devices.join(', ')}`}
          >
            † other environment
          </span>
        ) : null}
      </>
    ),
    [bestCellId],
  );
  return (
    <Section
      title="Training matrix"
      text="One row a cell; a deeper tint is better within its column, a dash was not measured."
    >
      <DataTable
        caption="Training matrix"
        columns={TRAINING_COLUMNS}
        rows={rows}
        rowClass={baselineClass}
        tags={tags}
        side={significance}
        foot={
          <span>
            Means over seeds with half of their 95 % interval (Student t), or the interval in brackets where it is not
            symmetric; p paired by seed, adjusted by Holm’s method.
          </span>
        }
      />
    </Section>
  );
}

function baselineClass(row: ComparisonRow): string | undefined {
  return row.isBaseline ? styles.baseline : undefined;
}

/** The p value stands beside the difference to the baseline; other columns keep their interval. */
function significance(column: Column<ComparisonRow>, row: ComparisonRow): string | null | undefined {
  if (column.id !== 'lossDelta') return undefined;
  const { pAdjusted } = row.lossDelta;
  if (row.isBaseline || pAdjusted === null) return null;
  return pAdjusted < 0.001 ? 'p < 0.001' : `p ${pAdjusted.toFixed(3)}`;
}

/** *GGUF*: only where files were asked for. */
export function GgufTable({ rows }: { rows: Comparison['gguf'] }) {
  return (
    <PartsTable
      title="GGUF"
      text="Files of the trained model in llama.cpp, against its f16 file; sd over repetitions, se over scored tokens."
      columns={GGUF_COLUMNS}
      rows={rows}
      part={({ type }) => type}
    />
  );
}

/** *Tasks*: only where task files were named. */
export function TaskTable({ rows }: { rows: Comparison['tasks'] }) {
  return (
    <PartsTable
      title="Tasks"
      text="Task files of lm-evaluation-harness, the model as cut and after training; the standard error is over questions."
      columns={TASK_COLUMNS}
      rows={rows}
      part={({ task, metric }) => `${task}/${metric}`}
    />
  );
}

/** *Inference*: only where it was asked for. */
export function InferenceTable({ rows }: { rows: Comparison['inference'] }) {
  return (
    <PartsTable
      title="Inference"
      text="Greedy generation with the adapter apart from the weights, and ratios of the merged model to it."
      columns={INFERENCE_COLUMNS}
      rows={rows}
      part={({ batchSize }) => String(batchSize)}
    />
  );
}

interface PartsProps<R> {
  readonly title: string;
  readonly text: string;
  readonly columns: readonly Column<R>[];
  readonly rows: readonly R[];
  /** What tells a cell's rows apart. */
  readonly part: (row: R) => string;
}

/** A table with several rows a cell; nothing where there is none. */
function PartsTable<R extends { readonly cellId: string }>({ title, text, columns, rows, part }: PartsProps<R>) {
  if (rows.length === 0) return null;
  const distinct = rows.map((row) => ({ ...row, cellId: `${row.cellId}/${part(row)}` }));
  return (
    <Section title={title} text={text}>
      <DataTable caption={title} columns={columns} rows={distinct} />
    </Section>
  );
}

/** *Cost of quantization*: ratios to the unquantized cell of the same depth. */
export function QuantizationCostTable({ rows }: { rows: Comparison['quantizationCost'] }) {
  if (rows.length === 0) return null;
  return (
    <Section
      title="Cost of quantization"
      text="Each quantized cell as a ratio to the unquantized one of the same depth: 1.00 is no change."
    >
      <DataTable caption="Cost of quantization" columns={QUANTIZATION_COST_COLUMNS} rows={rows} />
    </Section>
  );
}

/** *Depth*: what cutting layers costs, before and after training. */
export function DepthTable({ rows }: { rows: Comparison['depth'] }) {
  if (rows.length === 0) return null;
  return (
    <Section title="Depth" text="The model as cut, and after training: how much of what the cut cost comes back.">
      <DataTable caption="Depth" columns={DEPTH_COLUMNS} rows={rows} />
    </Section>
  );
}
