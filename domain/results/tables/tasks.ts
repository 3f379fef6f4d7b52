/** *Tasks*: task files of lm-evaluation-harness. */
import { fixed, signed } from '../format.ts';
import type { TaskRow } from '../types.ts';
import { measured, number, text } from './column.ts';
import { defineTable } from './table.ts';

export const TASKS = defineTable<TaskRow>({
  id: 'tasks',
  title: 'Tasks',
  intro:
    'Task files of lm-evaluation-harness, the model as cut and after training; the standard error is over questions.',
  legend: 'of lm-evaluation-harness, as cut and after training; standard error over questions',
  rows: ({ tasks }) => tasks ?? [],
  key: ({ cellId, task, metric }) => `${cellId}/${task}/${metric}`,
  columns: [
    text('label', 'cell', (row) => row.label),
    text('task', 'task', (row) => row.task),
    text('metric', 'metric', ({ metric, higherIsBetter }) => (higherIsBetter ? metric : `${metric} (lower is better)`)),
    number('samples', 'questions', (row) => row.samples, { show: fixed(0) }),
    number('fewShot', 'examples', (row) => row.fewShot, { show: fixed(0) }),
    measured('raw', 'as cut', (row) => row.raw, { show: fixed(3) }),
    measured('trained', 'after training', (row) => row.trained, { show: fixed(3) }),
    measured('gain', 'gain', (row) => row.gain, { show: signed(fixed(3)), paired: true }),
    number('standardError', 'standard error on questions', (row) => row.standardError, { show: fixed(3) }),
  ],
});
