import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { DatasetRef } from '@lamina/domain/contract/settings.ts';
import type { Issue } from '@lamina/domain/spec/parse.ts';
import { closest } from '@lamina/domain/spec/suggest.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { InputCopy, InputFiles } from './input-files.ts';
import { missingFile, type Places } from './paths.ts';

type FileDataset = Extract<DatasetRef, { source: 'file' }>;

/** Records that are looked at; the trainer looks at all of them. */
const RECORDS = 20;
const LONGEST_LINE = 4 * 1024 * 1024;

export interface ResolvedDataset {
  readonly dataset: DatasetRef;
  readonly issues: readonly Issue[];
  readonly warnings?: readonly string[];
  readonly copy?: InputCopy | null;
}

/** Finds the dataset, looks for its columns in the first records, and fills in path and fingerprint. */
export async function resolveDataset(
  dataset: DatasetRef,
  { places, fingerprints, inputFiles }: { places: Places; fingerprints: Fingerprints; inputFiles: InputFiles },
): Promise<ResolvedDataset> {
  if (dataset.source !== 'file') return { dataset, issues: [] };
  const path = places.absolute(dataset.path);
  const missing = await missingFile(path, 'file');
  if (missing !== null && inputFiles.seen(path)) return onlyThere(dataset, path);
  if (missing !== null) return { dataset, issues: [{ path: 'dataset.path', ...missing }] };
  const issues = dataset.format === 'jsonl' ? await checkRecords({ ...dataset, path }) : await checkText(path);
  const fingerprint = await fingerprints.file(path);
  if (dataset.fingerprint !== null && dataset.fingerprint !== fingerprint) {
    issues.push({
      path: 'dataset.fingerprint',
      message: `${path} is not the file that the fingerprint was taken of`,
      fix: 'bring the old file back, or leave the fingerprint out and submit a new experiment',
    });
  }
  const located = await inputFiles.locate(path, { sha256: fingerprint });
  if ('problem' in located) return { dataset, issues: [...issues, { path: 'dataset.path', ...located.problem }] };
  return { dataset: { ...dataset, path: located.path, fingerprint }, issues, copy: located.copy };
}

/** Trials see it, the server does not. */
function onlyThere(dataset: FileDataset, path: string): ResolvedDataset {
  const warning = `${path} is not on the server: its records are not checked, and a changed file is not noticed`;
  return { dataset: { ...dataset, path }, issues: [], warnings: [warning] };
}

async function checkText(path: string): Promise<Issue[]> {
  const handle = await open(path);
  try {
    const { bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, 0);
    return bytesRead === 0 ? [{ path: 'dataset.path', message: `${path} is empty` }] : [];
  } finally {
    await handle.close();
  }
}

async function checkRecords(dataset: FileDataset): Promise<Issue[]> {
  const records: Record<string, unknown>[] = [];
  for await (const { number, line } of firstLines(dataset.path)) {
    const record = parseRecord(line);
    if (record === null) {
      return [
        {
          path: 'dataset.path',
          message: `line ${number} of ${dataset.path} is not a JSON object`,
          fix: 'write one JSON object a line, e.g. {"text": "…"}',
        },
      ];
    }
    records.push(record);
  }
  if (records.length === 0) return [{ path: 'dataset.path', message: `${dataset.path} has no records` }];
  return Object.entries(dataset.fields).flatMap(([role, column]) => checkColumn(records, role, column));
}

function checkColumn(records: readonly Record<string, unknown>[], role: string, column: string): Issue[] {
  const path = `dataset.fields.${role}`;
  const lacking = records.findIndex((record) => !(column in record));
  if (lacking >= 0) {
    const columns = Object.keys(records[lacking] ?? {});
    const near = closest(column, columns);
    const list = columns.length === 0 ? 'none' : columns.join(', ');
    return [
      {
        path,
        message: `record ${lacking + 1} has no column '${column}'; it has: ${list}`,
        fix: near === null ? 'name the column that holds the text' : `did you mean '${near}'?`,
      },
    ];
  }
  const wrong = records.findIndex((record) => typeof record[column] !== 'string');
  if (wrong < 0) return [];
  return [{ path, message: `column '${column}' of record ${wrong + 1} is not text` }];
}

async function* firstLines(path: string): AsyncGenerator<{ number: number; line: string }> {
  const input = createReadStream(path, { encoding: 'utf8', end: LONGEST_LINE });
  let number = 0;
  let found = 0;
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      number += 1;
      // The read may have stopped within this line.
      if (input.bytesRead > LONGEST_LINE && found > 0) return;
      if (line.trim() === '') continue;
      yield { number, line };
      found += 1;
      if (found === RECORDS) return;
    }
  } finally {
    input.destroy();
  }
}

function parseRecord(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
