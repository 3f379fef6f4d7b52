import {
  type Column,
  cellText,
  columnTitle,
  DEPTH_COLUMNS,
  GGUF_COLUMNS,
  INFERENCE_COLUMNS,
  MATRIX_COLUMNS,
  QUANTIZATION_COST_COLUMNS,
  TASK_COLUMNS,
  TOTAL_BITS_COLUMNS,
} from './columns.ts';
import { NOT_MEASURED } from './format.ts';
import { SEARCH_COLUMNS, SEARCH_INTRO, SWITCHING_COLUMNS, SWITCHING_INTRO } from './search-columns.ts';
import { totalBitsRows } from './total-bits.ts';
import type { Comparison } from './types.ts';

/** The whole comparison as Markdown: the sentence on top, the notes, then the tables. */
export function toMarkdown(comparison: Comparison): string {
  const { name, recommendation, notes, rows, quantizationCost, inference, depth, gguf, tasks, search } = comparison;
  const sections = [
    `# ${escaped(name)}`,
    `**${escaped(recommendation.sentence)}**`,
    ...(notes.length > 0 ? [notes.map((note) => `- ${escaped(note)}`).join('\n')] : []),
    `\\* baseline; ± half of the 95 % interval over seeds; [ ] 95 % interval; ${NOT_MEASURED} not measured.`,
    section('Training matrix', '', Object.values(MATRIX_COLUMNS), rows),
    section(
      'Cost of quantization',
      'Ratios to the unquantized cell of the same depth, model and parameters, paired by seed; below 1 is less.',
      QUANTIZATION_COST_COLUMNS,
      quantizationCost,
    ),
    ...(inference.length > 0
      ? [
          section(
            'Inference',
            'Greedy generation in transformers with the adapter apart from the weights, and ratios of the merged model to it.',
            INFERENCE_COLUMNS,
            inference,
          ),
        ]
      : []),
    section('Depth', 'Held-out loss in nats per token.', DEPTH_COLUMNS, depth),
    section(
      'Total bits',
      'Bits that the base weights take, adapters not counted.',
      TOTAL_BITS_COLUMNS,
      totalBitsRows(comparison.totalBits),
    ),
    ...(gguf.length > 0
      ? [
          section(
            'GGUF',
            'Files of the trained model in llama.cpp. Δ and divergence (nats per token) are against the f16 file; sd over repetitions, se over scored tokens.',
            GGUF_COLUMNS,
            gguf,
          ),
        ]
      : []),
    ...(tasks.length > 0
      ? [
          section(
            'Tasks',
            'Task files of lm-evaluation-harness, the model as cut and after training; the standard error is over questions.',
            TASK_COLUMNS,
            tasks,
          ),
        ]
      : []),
    ...(search.studies.length > 0 ? [section('Search', SEARCH_INTRO, SEARCH_COLUMNS, search.studies)] : []),
    ...(search.switching.length > 0
      ? [section('Search against switching', SWITCHING_INTRO, SWITCHING_COLUMNS, search.switching)]
      : []),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** A table without rows says so; what was measured nowhere is left out; text that all rows share stands above. */
function section<Row>(title: string, intro: string, columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const heading = [`## ${title}`, ...(intro === '' ? [] : [intro])].join('\n\n');
  if (rows.length === 0) return `${heading}\n\nNothing to show.`;
  const filled = columns
    .map((column) => ({ column, cells: rows.map((row) => cellText(column, row)) }))
    .filter(({ cells }) => cells.some((cell) => cell !== NOT_MEASURED));
  const isShared = ({ column, cells }: (typeof filled)[number]) =>
    column.kind === 'text' && cells.length > 1 && cells[0] !== '' && cells.every((cell) => cell === cells[0]);
  const shared = filled.filter(isShared).map(({ column, cells }) => `${column.title} ${escaped(cells[0] ?? '')}`);
  const shown = filled.filter((entry) => !isShared(entry));
  const lines = [
    shown.map(({ column }) => escaped(columnTitle(column))),
    shown.map(({ column }) => (column.kind === 'text' ? '---' : '---:')),
    ...rows.map((_, row) => shown.map(({ cells }) => escaped(cells[row] ?? ''))),
  ];
  const table = lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
  return [heading, ...(shared.length > 0 ? [`In every row: ${shared.join('; ')}.`] : []), table].join('\n\n');
}

/** Names come from users: nothing in them may become markup or break a table. */
function escaped(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_[\]<>|#]/g, (character) => (character === '<' ? '&lt;' : `\\${character}`));
}
