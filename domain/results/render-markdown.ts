import { NOT_MEASURED } from './format.ts';
import { cellText, columnTitle } from './tables/column.ts';
import { TABLES } from './tables/registry.ts';
import type { Table } from './tables/table.ts';
import type { Comparison, TableRow } from './types.ts';

/** The whole comparison as Markdown: the sentence on top, the notes, then the tables. */
export function toMarkdown(comparison: Comparison): string {
  const { name, recommendation, notes } = comparison;
  const sections = [
    `# ${escaped(name)}`,
    `**${escaped(recommendation.sentence)}**`,
    ...(notes.length > 0 ? [notes.map((note) => `- ${escaped(note)}`).join('\n')] : []),
    `\\* baseline; ± half of the 95 % interval over seeds; [ ] 95 % interval; ${NOT_MEASURED} not measured.`,
    ...TABLES.flatMap((table) => section(table, table.rows(comparison))),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** What was measured nowhere is left out; text that all rows share stands above. */
function section<Row extends TableRow>(table: Table<Row>, rows: readonly Row[]): readonly string[] {
  const { title, intro, columns, whenEmpty } = table;
  if (rows.length === 0 && whenEmpty === 'omitted') return [];
  const heading = [`## ${title}`, ...(intro === '' ? [] : [intro])].join('\n\n');
  if (rows.length === 0) return [`${heading}\n\nNothing to show.`];
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
  const body = lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
  return [[heading, ...(shared.length > 0 ? [`In every row: ${shared.join('; ')}.`] : []), body].join('\n\n')];
}

/** Names come from users: nothing in them may become markup or break a table. */
function escaped(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_[\]<>|#]/g, (character) => (character === '<' ? '&lt;' : `\\${character}`));
}
