import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { DatasetRef, RecordFields } from '@lamina/domain/contract/settings.ts';
import type { Issue } from '@lamina/domain/spec/parse.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { InputCopy, InputFiles } from './input-files.ts';
import { missingFile, type Places } from './paths.ts';
import { checkColumns, checkUse, shapeOf } from './record-shape.ts';

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
  if (dataset.source !== 'file') return { dataset, issues: checkUse(dataset) };
  const path = places.absolute(dataset.path);
  const missing = await missingFile(path, 'file');
  if (missing !== null && inputFiles.seen(path)) return onlyThere(dataset, path);
  if (missing !== null) return { dataset, issues: [{ path: 'dataset.path', ...missing }] };
  const looked =
    dataset.format === 'jsonl' ? await lookAt(path, dataset.fields) : await lookAtText(path, dataset.fields);
  const { fields } = looked;
  const issues = [...looked.issues, ...checkUse({ ...dataset, fields })];
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
  return { dataset: { ...dataset, fields, path: located.path, fingerprint }, issues, copy: located.copy };
}

/** Trials see it, the server does not. */
function onlyThere(dataset: FileDataset, path: string): ResolvedDataset {
  const warning = `${path} is not on the server: its records are not checked, and a changed file is not noticed`;
  return { dataset: { ...dataset, path }, issues: checkUse(dataset), warnings: [warning] };
}

interface Looked {
  /** As the document has them, or as the first record says. */
  readonly fields: RecordFields | null;
  readonly issues: readonly Issue[];
}

async function lookAtText(path: string, named: RecordFields | null): Promise<Looked> {
  const handle = await open(path);
  try {
    const { bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, 0);
    const issues = bytesRead === 0 ? [{ path: 'dataset.path', message: `${path} is empty` }] : [];
    return { fields: named ?? { text: 'text' }, issues };
  } finally {
    await handle.close();
  }
}

async function lookAt(path: string, named: RecordFields | null): Promise<Looked> {
  const records: Record<string, unknown>[] = [];
  for await (const { number, line } of firstLines(path)) {
    const record = parseRecord(line);
    if (record === null) {
      const message = `line ${number} of ${path} is not a JSON object`;
      const fix = 'write one JSON object a line, e.g. {"text": "…"}';
      return { fields: named, issues: [{ path: 'dataset.path', message, fix }] };
    }
    records.push(record);
  }
  const [first] = records;
  if (first === undefined)
    return { fields: named, issues: [{ path: 'dataset.path', message: `${path} has no records` }] };
  const fields = named ?? shapeOf(first);
  if ('message' in fields) return { fields: null, issues: [fields] };
  return { fields, issues: checkColumns(records, fields) };
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
