/** Looks at the records of a dataset before anything runs: those that are cheap to read, for what the trainer would refuse. */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { DataFormat, RecordFields } from '@lamina/domain/contract/settings.ts';
import type { Issue } from '@lamina/domain/spec/parse.ts';
import { firstBytes } from './data-files.ts';
import { checkColumns, shapeOf } from './record-shape.ts';

/** What is read of all files together, unpacked; the trainer reads all of them. About a second. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Records whose columns are looked for, with a fix where one is lacking. */
const FIRST = 20;

/** First bytes of bzip2 and xz, which only the trainer unpacks. */
const TRAINER_ONLY = /^(425a68|fd377a58)/;

type Columns = Readonly<Record<string, unknown>>;
type Seen = { readonly where: string } & ({ readonly record: Columns } | { readonly problem: string });

interface Looked {
  readonly fields: RecordFields | null;
  readonly issues: readonly Issue[];
  readonly warnings: readonly string[];
}

interface How {
  /** Where in the document the files are named. */
  readonly at: string;
  /** Bad records are left out by the trainer. */
  readonly skip: boolean;
}

/** Looks for the columns in the first records, and for the first record that cannot be used. */
export async function lookAt(
  shards: readonly string[],
  format: DataFormat,
  named: RecordFields | null,
  { at, skip }: How,
): Promise<Looked> {
  const wrong = (message: string, fix?: string): Looked => {
    const issue = { path: `${at}.path`, message, ...(fix === undefined ? {} : { fix }) };
    return { fields: named, issues: [issue], warnings: [] };
  };
  for (const shard of shards) {
    const problem = await unreadable(shard, format);
    if (problem !== null) return wrong(...problem);
  }
  const unpackable = await Promise.all(
    shards.map(async (shard) => !TRAINER_ONLY.test((await firstBytes(shard, 4)).toString('hex'))),
  );
  if (format === 'parquet' || format === 'arrow' || unpackable.includes(false))
    return { fields: named, issues: [], warnings: [] };
  const first: Columns[] = [];
  let fields = format === 'text' ? (named ?? { text: 'text' }) : named;
  let empty = true;
  const budget = { left: MOST_BYTES };
  let bad: string | null = null;
  try {
    for await (const seen of recordsOf(shards, format, budget)) {
      empty = false;
      if ('record' in seen && fields === null) {
        const shape = shapeOf(seen.record);
        if ('message' in shape) return { fields: null, issues: [shape], warnings: [] };
        fields = shape;
      }
      const problem = 'problem' in seen ? seen.problem : textProblem(seen.record, fields);
      if (problem !== null) bad ??= `${seen.where} ${problem}`;
      if ('record' in seen && first.length < FIRST) first.push(seen.record);
      if (bad !== null && !skip) break;
    }
  } catch (error) {
    return wrong(`cannot be read: ${(error as Error).message}`, 'the file may be cut off or damaged');
  }
  if (empty && budget.left > 0) return wrong(`${shards.join(', ')} has no records`);
  const columns = fields === null || format === 'text' ? [] : checkColumns(first, fields);
  if (columns.length > 0 && !skip) return { fields, issues: columns, warnings: [] };
  if (bad !== null && skip) return { fields, issues: [], warnings: [`records will be skipped; the first: ${bad}`] };
  if (bad !== null) return { ...wrong(bad, 'correct the record, or set dataset.onBadRecord to skip'), fields };
  return { fields, issues: [], warnings: [] };
}

/** What the first bytes of a file say against reading it. */
async function unreadable(shard: string, format: DataFormat): Promise<[message: string, fix?: string] | null> {
  const bytes = await firstBytes(shard, 64);
  const start = bytes.toString('latin1');
  if (bytes.length === 0) return [`${shard} is empty: it has no records`];
  if (start.startsWith('version https://git-lfs')) return [`${shard} is a Git LFS pointer`, 'run git lfs pull'];
  if (start.startsWith('PK\u0003\u0004')) return [`${shard} is a zip archive`, 'unpack it, or use gzip or zstd'];
  if (format === 'parquet' && !start.startsWith('PAR1')) return [`${shard} is no Parquet file`];
  const table = start.startsWith('PAR1') || start.startsWith('ARROW1');
  if (table && format !== 'parquet' && format !== 'arrow') return [`${shard} is a table, not ${format}`];
  const half =
    bytes.length >= 4 && [0, 1].some((odd) => bytes.subarray(0, 40).every((byte, at) => at % 2 !== odd || byte === 0));
  if (half && format !== 'arrow') return [`${shard} is UTF-16 text without a byte order mark`, 'save it as UTF-8'];
  return null;
}

function textProblem(record: Columns, fields: RecordFields | null): string | null {
  if (fields === null || 'messages' in fields) return null;
  for (const column of Object.values(fields)) {
    if (!(column in record)) return `has no column '${column}'; it has: ${Object.keys(record).join(', ') || 'none'}`;
    const value = record[column];
    if (typeof value !== 'string') return `holds ${value === null ? 'null' : 'no text'} in column '${column}'`;
    if (value.includes('\0')) return `holds the character NUL in column '${column}'`;
    if (!value.isWellFormed()) return `holds half a surrogate pair in column '${column}'`;
  }
  return null;
}

async function* recordsOf(
  shards: readonly string[],
  format: DataFormat,
  budget: { left: number },
): AsyncGenerator<Seen> {
  for (const shard of shards) {
    if (budget.left <= 0) return;
    const lines = linesOf(shard, budget);
    if (format === 'json') yield* arrayRecords(shard, lines);
    else if (format === 'csv' || format === 'tsv') yield* delimitedRecords(shard, lines, format === 'csv' ? ',' : '\t');
    else yield* lineRecords(shard, lines, format === 'text');
  }
}

async function* lineRecords(shard: string, lines: AsyncIterable<Line>, text: boolean): AsyncGenerator<Seen> {
  for await (const { number, line } of lines) {
    const where = `line ${number} of ${shard}`;
    if (line === null) yield { where, problem: 'is not UTF-8 text' };
    else if (line.trim() === '') continue;
    else if (text && line.includes('\0')) yield { where, problem: 'holds the character NUL' };
    else if (text) yield { where, record: { text: line } };
    else yield { where, ...parsed(line) };
  }
}

/** An array that fits into the budget as a whole, or records that stand on lines of their own all the same. */
async function* arrayRecords(shard: string, lines: AsyncIterable<Line>): AsyncGenerator<Seen> {
  let text = '';
  for await (const { number, line, last } of lines) {
    if (line === null) yield { where: `line ${number} of ${shard}`, problem: 'is not UTF-8 text' };
    text += `${line}\n`;
    if (!last) continue;
    if (text.trimStart().startsWith('{')) {
      yield* lineRecords(shard, numbered(text), false);
      return;
    }
    const value = parseJson(text);
    if (value === undefined) return yield { where: shard, problem: 'is not JSON: no array of records' };
    if (!Array.isArray(value)) return yield { where: shard, problem: 'is not an array of records' };
    for (const [index, record] of value.entries()) {
      const where = `record ${index + 1} of ${shard}`;
      yield { where, ...(isRecord(record) ? { record } : { problem: 'is not a JSON object' }) };
    }
  }
}

async function* numbered(text: string): AsyncGenerator<Line> {
  for (const [index, line] of text.split('\n').entries()) yield { number: index + 1, line, last: false };
}

/** Rows of cells in quotes where they need them (RFC 4180); a cell may hold line ends. */
async function* delimitedRecords(shard: string, lines: AsyncIterable<Line>, delimiter: string): AsyncGenerator<Seen> {
  let names: readonly string[] | null = null;
  let row: string[] = [];
  let quotes = 0;
  for await (const { number, line, last } of lines) {
    if (line === null) return yield { where: `line ${number} of ${shard}`, problem: 'is not UTF-8 text' };
    row.push(line);
    quotes += line.split('"').length - 1;
    const where = `line ${number - row.length + 1} of ${shard}`;
    if (quotes % 2 === 1) {
      if (last) yield { where, problem: 'has a quote that is not closed' };
      continue;
    }
    const text = row.join('\n');
    row = [];
    quotes = 0;
    if (text === '') continue;
    const cells = cellsOf(text, delimiter);
    const known = names;
    if (known === null) names = cells.map((name) => name.trim());
    else if (cells.length !== known.length)
      yield { where, problem: `has ${cells.length} cells, the header has ${known.length}` };
    else yield { where, record: Object.fromEntries(cells.map((cell, index) => [known[index] ?? '', cell])) };
  }
}

/** Cells of a row whose quotes are all closed. */
function cellsOf(text: string, delimiter: string): string[] {
  if (!text.includes('"')) return text.split(delimiter);
  const cells: string[] = [];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] ?? '';
    if (letter === '"' && quoted && text[at + 1] === '"') {
      cell += '"';
      at += 1;
    } else if (letter === '"' && (quoted || cell === '')) quoted = !quoted;
    else if (letter === delimiter && !quoted) {
      cells.push(cell);
      cell = '';
    } else cell += letter;
  }
  return [...cells, cell];
}

function parsed(line: string): { readonly record: Columns } | { readonly problem: string } {
  const value = parseJson(line);
  if (value === undefined) return { problem: 'is not JSON' };
  return isRecord(value) ? { record: value } : { problem: 'is not a JSON object' };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Columns {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Line {
  readonly number: number;
  /** Null where its bytes are not UTF-8. */
  readonly line: string | null;
  /** It is the last of a file that was read to its end. */
  readonly last: boolean;
}

/** Lines without their ends, in UTF-8 or, after a byte order mark, UTF-16; until the budget is spent. */
async function* linesOf(shard: string, budget: { left: number }): AsyncGenerator<Line> {
  const start = await firstBytes(shard, 4);
  const input = unpacked(shard, start);
  const wide = widthOf(start);
  const decoded = (parts: readonly Buffer[]): string | null => {
    const bytes = Buffer.concat(parts);
    if (wide === null && !isUtf8(bytes)) return null;
    return bytes
      .toString(wide === null ? 'utf8' : 'utf16le')
      .replace(/^\ufeff/, '')
      .replace(/\r$/, '');
  };
  let rest: Buffer[] = [];
  let number = 1;
  try {
    for await (const read of input as AsyncIterable<Buffer>) {
      budget.left -= read.length;
      const chunk = wide === 'big' ? Buffer.from(read).swap16() : read;
      let from = 0;
      for (let at = lineEnd(chunk, 0, wide); at >= 0; at = lineEnd(chunk, from, wide)) {
        yield { number, line: decoded([...rest, chunk.subarray(from, at)]), last: false };
        rest = [];
        number += 1;
        from = at + (wide === null ? 1 : 2);
      }
      rest.push(chunk.subarray(from));
      if (budget.left <= 0) return;
    }
    yield { number, line: decoded(rest), last: true };
  } finally {
    input.destroy();
  }
}

function lineEnd(bytes: Buffer, from: number, wide: Wide): number {
  if (wide === null) return bytes.indexOf(10, from);
  let at = bytes.indexOf('\n', from, 'utf16le');
  // The same two bytes may be halves of two other letters.
  while (at % 2 === 1) at = bytes.indexOf('\n', at + 1, 'utf16le');
  return at;
}

type Wide = 'little' | 'big' | null;

function widthOf(start: Buffer): Wide {
  if (start[0] === 0xff && start[1] === 0xfe) return 'little';
  return start[0] === 0xfe && start[1] === 0xff ? 'big' : null;
}

function unpacked(shard: string, start: Buffer): Readable {
  const raw = createReadStream(shard);
  const magic = start.toString('hex');
  const fail = (stream: Readable) => (error: Error) => stream.destroy(error);
  if (magic.startsWith('1f8b')) {
    const out = createGunzip();
    raw.on('error', fail(out));
    return raw.pipe(out).on('close', () => raw.destroy());
  }
  if (magic === '28b52ffd') {
    const out = createZstdDecompress();
    raw.on('error', fail(out));
    return raw.pipe(out).on('close', () => raw.destroy());
  }
  return raw;
}
