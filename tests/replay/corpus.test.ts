import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { addUnlisted, type Head, LIST, problemsOf, readEntries } from './corpus.ts';
import { headsOf, releasedBundle, releases } from './releases.ts';

const ROOT = import.meta.dirname;
const heads = headsOf(ROOT);
const copies: string[] = [];
after(() => {
  for (const copy of copies) rmSync(copy, { recursive: true });
});

/** The list in every commit that this checkout knows of; none outside a repository. */
function committedLists(): readonly string[] {
  const git = (...args: readonly string[]) =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const commits = git('log', '--format=%H', '--', LIST).split('\n').filter(Boolean);
    return commits.map((commit) => git('show', `${commit}:./${LIST}`));
  } catch {
    return [];
  }
}

/** What is said about a copy of the corpus after a change to it. */
function problemsAfter(
  change: (root: string, lines: string[]) => void,
  releasesOf: ReadonlyMap<string, Head> = heads,
  earlier: readonly string[] = [],
): readonly string[] {
  const root = mkdtempSync(join(tmpdir(), 'lamina-corpus-'));
  copies.push(root);
  cpSync(ROOT, root, { recursive: true });
  const lines = readFileSync(join(root, LIST), 'utf8').split('\n').filter(Boolean);
  change(root, lines);
  writeFileSync(join(root, LIST), lines.map((line) => `${line}\n`).join(''));
  return problemsOf(root, releasesOf, earlier);
}

/** Leaves a copy's list as if its first `from` lines had never been followed by others, and lists the rest again. */
function relist(root: string, lines: string[], from: number): void {
  writeFileSync(
    join(root, LIST),
    lines
      .slice(0, from)
      .map((line) => `${line}\n`)
      .join(''),
  );
  addUnlisted(root);
  lines.splice(0, lines.length, ...readFileSync(join(root, LIST), 'utf8').split('\n').filter(Boolean));
}

const FIRST = readEntries(ROOT)[0]?.file ?? '';

test('nothing in the corpus was changed, removed or moved', () => {
  assert.deepEqual(problemsOf(ROOT, heads, committedLists()), []);
});

test('the bundle of every release is what it was', () => {
  assert.ok(releases().length > 0);
  for (const { version, sha256 } of releases()) {
    assert.equal(createHash('sha256').update(releasedBundle(version).code).digest('hex'), sha256);
  }
});

test('a history at the end of the list is no problem, one that is not on it is', () => {
  const fresh = 'histories/fresh.1.binpb.gz';
  const add = (root: string) => writeFileSync(join(root, fresh), 'fresh');
  assert.match(problemsAfter(add).join(), /fresh\.1\.binpb\.gz is not on the list/);
  const added = problemsAfter((root, lines) => {
    add(root);
    relist(root, lines, lines.length);
  });
  assert.deepEqual(added, []);
});

test('a changed history is found', () => {
  const problems = problemsAfter((root) => writeFileSync(join(root, FIRST), 'changed'));
  assert.deepEqual(problems, [`${FIRST} was changed`]);
});

test('a removed history is found, with its line or without', () => {
  assert.deepEqual(
    problemsAfter((root) => rmSync(join(root, FIRST))),
    [`${FIRST} was removed`],
  );
  const problems = problemsAfter((root, lines) => {
    rmSync(join(root, FIRST));
    lines.shift();
  });
  assert.match(problems.join('\n'), /the line of .* or one before it was changed/);
});

test('a history under another name, or elsewhere in the list, is found', () => {
  const renamed = problemsAfter((root) => renameSync(join(root, FIRST), join(root, 'histories/renamed.1.binpb.gz')));
  assert.match(renamed.join('\n'), /was removed\n.*renamed.1.binpb.gz is not on the list/);
  const moved = problemsAfter((_, lines) => lines.push(...lines.splice(0, 1)));
  assert.match(moved.join('\n'), /was changed/);
});

test('a list that was written again is found by what releases kept of it, and by its committed versions', () => {
  const rewrite = (root: string, lines: string[]) => {
    writeFileSync(join(root, FIRST), 'changed');
    relist(root, lines, 0);
  };
  const [first] = heads.keys();
  assert.deepEqual(problemsAfter(rewrite), [`${LIST}: what release ${first} was tested with has changed`]);
  const committed = readFileSync(join(ROOT, LIST), 'utf8');
  assert.deepEqual(problemsAfter(rewrite, new Map(), [committed]), [
    `${LIST}: lines of a committed version have changed`,
  ]);
});
