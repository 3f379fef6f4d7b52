/**
 * The list of everything that runs have left behind and later code must be able to read: recorded histories, sample
 * states and the bundles of releases. It only grows, at its end. Each line holds a hash chained over all lines before it, so that no line can be
 * changed, removed or moved without changing the lines after it; a release keeps the hash that the list ended with.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** The list, within the folder of replay tests. */
export const LIST = 'corpus.txt';

/** Folders whose files are all on the list. */
const FOLDERS = ['histories', 'states', 'releases'] as const;

interface Entry {
  /** Hash of this line and all before it. */
  readonly chain: string;
  readonly sha256: string;
  /** Relative to the folder of the list. */
  readonly file: string;
}

/** What a release keeps of the list: how long it was, and its last hash. */
export interface Head {
  readonly entries: number;
  readonly chain: string;
}

export function readEntries(root: string): readonly Entry[] {
  if (!existsSync(join(root, LIST))) return [];
  return parseEntries(readFileSync(join(root, LIST), 'utf8'));
}

function parseEntries(text: string): readonly Entry[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [chain = '', sha256 = '', file = ''] = line.split(' ');
      return { chain, sha256, file };
    });
}

/** Puts the files that are not on the list at its end, in alphabetical order; answers which. */
export function addUnlisted(root: string): readonly string[] {
  const entries = [...readEntries(root)];
  const files = unlisted(root);
  for (const file of files) {
    const sha256 = digest(readFileSync(join(root, file)));
    entries.push({ chain: chained(entries.at(-1)?.chain ?? '', sha256, file), sha256, file });
  }
  writeFileSync(join(root, LIST), entries.map(({ chain, sha256, file }) => `${chain} ${sha256} ${file}\n`).join(''));
  return files;
}

export function headOf(entries: readonly Entry[]): Head {
  return { entries: entries.length, chain: entries.at(-1)?.chain ?? '' };
}

function unlisted(root: string): readonly string[] {
  const listed = new Set(readEntries(root).map(({ file }) => file));
  return filesOf(root).filter((file) => !listed.has(file));
}

/** Everything that is wrong with the corpus; `earlier`: versions of the list that must be beginnings of today's. */
export function problemsOf(
  root: string,
  releases: ReadonlyMap<string, Head>,
  earlier: readonly string[] = [],
): readonly string[] {
  const problems: string[] = [];
  const entries = readEntries(root);
  let before = '';
  for (const { chain, sha256, file } of entries) {
    if (chain !== chained(before, sha256, file))
      problems.push(`${LIST}: the line of ${file} or one before it was changed`);
    before = chain;
    if (!existsSync(join(root, file))) problems.push(`${file} was removed`);
    else if (digest(readFileSync(join(root, file))) !== sha256) problems.push(`${file} was changed`);
  }
  for (const file of unlisted(root)) problems.push(`${file} is not on the list: node tests/replay/record.ts adds it`);
  for (const [version, head] of releases) {
    if (head.entries === 0 || entries[head.entries - 1]?.chain !== head.chain) {
      problems.push(`${LIST}: what release ${version} was tested with has changed`);
    }
  }
  const now = entries.map(({ chain }) => chain);
  if (earlier.some((text) => parseEntries(text).some(({ chain }, index) => chain !== now[index]))) {
    problems.push(`${LIST}: lines of a committed version have changed`);
  }
  return problems;
}

function filesOf(root: string): readonly string[] {
  return FOLDERS.flatMap((folder) => {
    const path = join(root, folder);
    if (!existsSync(path)) return [];
    const entries = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return entries.map((entry) => relative(root, join(entry.parentPath, entry.name)));
  }).sort();
}

function chained(before: string, sha256: string, file: string): string {
  return digest(`${before} ${sha256} ${file}`).slice(0, 16);
}

function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
