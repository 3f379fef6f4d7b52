import type { DatasetRef, FileEvaluation, RecordFields } from '@lamina/domain/contract/settings.ts';
import type { Issue } from '@lamina/domain/spec/parse.ts';
import { findShards, formatOfShards, shardsFingerprint } from './data-files.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { InputCopy, InputFiles } from './input-files.ts';
import { missingFile, type Places } from './paths.ts';
import { lookAt } from './record-scan.ts';
import { checkUse } from './record-shape.ts';

type FileDataset = Extract<DatasetRef, { source: 'file' }>;

export interface ResolvedDataset {
  readonly dataset: DatasetRef;
  readonly issues: readonly Issue[];
  readonly warnings: readonly string[];
  readonly copies: readonly InputCopy[];
}

interface Context {
  readonly places: Places;
  readonly fingerprints: Fingerprints;
  readonly inputFiles: InputFiles;
}

/** Finds the dataset, looks at its records as far as that is cheap, and fills in paths, formats and fingerprints. */
export async function resolveDataset(dataset: DatasetRef, context: Context): Promise<ResolvedDataset> {
  if (dataset.source !== 'file') {
    const issues = [...checkUse(dataset), ...(await fileOfThatName(dataset.id, context))];
    return { dataset, issues, warnings: [], copies: [] };
  }
  const found = await filesAt(dataset, dataset, 'dataset', context);
  const fields = found.fields ?? dataset.fields;
  const { path, format, fingerprint } = found.file;
  const resolved = { ...dataset, fields, path, format, fingerprint };
  const issues = [...found.issues, ...checkUse(resolved)];
  const { evaluation } = dataset;
  if (evaluation === null || !('path' in evaluation)) return { ...found, dataset: resolved, issues };
  const scored = await filesAt(evaluation, { ...dataset, fields }, 'dataset.evaluation', context);
  return {
    dataset: { ...resolved, evaluation: scored.file },
    issues: [...issues, ...scored.issues],
    warnings: [...found.warnings, ...scored.warnings],
    copies: [...found.copies, ...scored.copies],
  };
}

/** A hub id that is called like a file here was meant to be that file. */
async function fileOfThatName(id: string, { places }: Context): Promise<Issue[]> {
  if ((await missingFile(places.absolute(id), 'file')) !== null) return [];
  return [{ path: 'dataset', message: `${id} is a file on the server, and no hub id`, fix: `write "./${id}"` }];
}

interface Found {
  readonly file: FileEvaluation;
  /** As the document has them, or as the first record says; null where no record was read. */
  readonly fields: RecordFields | null;
  readonly issues: readonly Issue[];
  readonly warnings: readonly string[];
  readonly copies: readonly InputCopy[];
}

async function filesAt(
  file: FileEvaluation,
  { fields, onBadRecord }: Pick<FileDataset, 'fields' | 'onBadRecord'>,
  at: string,
  { places, fingerprints, inputFiles }: Context,
): Promise<Found> {
  const path = places.absolute(file.path);
  const here = { ...file, path };
  const nothing = { file: here, fields, issues: [], warnings: [], copies: [] };
  const found = await findShards(path);
  if ('message' in found && inputFiles.seen(path)) {
    const warning = `${path} is not on the server: its records are not checked, and a changed file is not noticed`;
    return { ...nothing, warnings: [warning] };
  }
  if ('message' in found) return { ...nothing, issues: [{ path: `${at}.path`, ...found }] };
  const format = await formatOfShards(path, found.shards, file.format);
  if (typeof format !== 'string') return { ...nothing, issues: [{ path: `${at}.path`, ...format }] };
  const looked = await lookAt(found.shards, format, fields, { at, skip: onBadRecord === 'skip' });
  const issues = [...looked.issues];
  const fingerprint = await shardsFingerprint(found.shards, fingerprints);
  if (file.fingerprint !== null && file.fingerprint.replace(/^sha256:/, '') !== fingerprint) {
    issues.push({
      path: `${at}.fingerprint`,
      message: `${path} is not the file that the fingerprint was taken of`,
      fix: 'bring the old file back, or leave the fingerprint out and submit a new experiment',
    });
  }
  const [only] = found.shards;
  const single = found.folder === null && only !== undefined;
  const located = await inputFiles.locate(found.folder ?? path, { sha256: single ? fingerprint : null });
  if ('problem' in located) issues.push({ path: `${at}.path`, ...located.problem });
  const place =
    'problem' in located ? path : located.path + (found.folder === null ? '' : path.slice(found.folder.length));
  return {
    file: { path: place, format, fingerprint },
    fields: looked.fields,
    issues,
    warnings: looked.warnings,
    copies: 'problem' in located || located.copy === null ? [] : [located.copy],
  };
}
