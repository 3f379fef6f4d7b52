/** The files of a dataset: which there are, and in which format. The trainer has the same rules (`data/sources.py`). */
import { createHash } from 'node:crypto';
import { glob, open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DATA_FORMATS, type DataFormat } from '@lamina/domain/contract/settings.ts';
import type { Issue } from '@lamina/domain/spec/parse.ts';
import { formatOf } from '@lamina/domain/spec/references-input.ts';
import type { Fingerprints } from './fingerprints.ts';
import { missingFile } from './paths.ts';

type Problem = Pick<Issue, 'message' | 'fix'>;

const PATTERN = /[*?[]/;
const UNREAD = /^[._]|^(readme\.md|license\.(txt|md)|dataset_infos?\.json|state\.json)$/i;
const MOST_SHARDS = 100_000;

export interface Shards {
  /** Sorted by name. */
  readonly shards: readonly string[];
  /** The folder that they lie in or below; null for a single file that is named. */
  readonly folder: string | null;
}

/** The file at a path, those of a folder, or those that match a pattern. */
export async function findShards(path: string): Promise<Shards | Problem> {
  const info = await stat(path).catch(() => null);
  if (info?.isDirectory() === true) return inFolder(path);
  const missing = await missingFile(path, 'file');
  if (missing === null) return { shards: [path], folder: null };
  if (!PATTERN.test(path)) return missing;
  const matching: string[] = [];
  for await (const found of glob(path)) {
    if ((await stat(found)).isFile()) matching.push(found);
    if (matching.length > MOST_SHARDS) return { message: `${path} matches more than ${MOST_SHARDS} files` };
  }
  if (matching.length === 0) return { message: `no file on the server matches ${path}`, fix: 'correct the pattern' };
  return { shards: matching.sort(byName), folder: dirname(path.slice(0, path.search(PATTERN) + 1)) };
}

async function inFolder(folder: string): Promise<Shards | Problem> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory() && !UNREAD.test(entry.name)).map(({ name }) => name);
  if (names.length > 0) return { shards: names.map((name) => join(folder, name)).sort(byName), folder };
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const fix = folders.length === 0 ? 'name a file' : `name one of the folders in it: ${folders.slice(0, 5).join(', ')}`;
  return { message: `${folder} is a folder without files`, fix };
}

/** As Python sorts: by code points, not by language. */
function byName(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** The format of all shards: the one given, or by name, or by the first bytes. */
export async function formatOfShards(
  path: string,
  shards: readonly string[],
  given: DataFormat | null,
): Promise<DataFormat | Problem> {
  if (given !== null) return given;
  const found = new Map<DataFormat, string>();
  for (const shard of shards) {
    const format = formatOf(shard) ?? (await formatByContent(shard));
    if (format === null)
      return {
        message: `the format of ${shard} is not known`,
        fix: `say dataset.format, one of: ${DATA_FORMATS.join(', ')}`,
      };
    found.set(format, shard);
  }
  const [first, second] = found;
  if (first !== undefined && second === undefined) return first[0];
  return {
    message: `${path} has files of several formats: ${[...found].map(([format, shard]) => `${shard} is ${format}`).join(', ')}`,
    fix: 'name those of one, such as "data/*.jsonl"',
  };
}

async function formatByContent(shard: string): Promise<DataFormat | null> {
  const start = (await firstBytes(shard, 1000)).toString('latin1');
  if (start.startsWith('PAR1')) return 'parquet';
  if (start.startsWith('ARROW1')) return 'arrow';
  const [letter] = start.replace(/^\u00ef\u00bb\u00bf/, '').trimStart();
  return letter === '{' ? 'jsonl' : letter === '[' ? 'json' : null;
}

export async function firstBytes(path: string, count: number): Promise<Buffer> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(count), 0, count, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** SHA-256 of a file's bytes; of several, over theirs in hex, a line each. The trainer computes the same. */
export async function shardsFingerprint(shards: readonly string[], fingerprints: Fingerprints): Promise<string> {
  const [only] = shards;
  if (shards.length === 1 && only !== undefined) return fingerprints.file(only);
  const hash = createHash('sha256');
  for (const shard of shards) hash.update(`${await fingerprints.file(shard)}\n`);
  return hash.digest('hex');
}
