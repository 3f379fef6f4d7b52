/**
 * Keeps the workflow bundle of the version in package.json, for the test that starts runs with it and finishes them with
 * later code. Run once, at a release, with everything committed: node tests/replay/release.ts
 * What is kept already stays as it is.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { workflowBundle } from '@lamina/worker/bundle.ts';
import { addUnlisted, headOf, readEntries } from './corpus.ts';
import { RELEASES, type Release } from './releases.ts';

const root = join(import.meta.dirname, '../..');
const require = createRequire(import.meta.url);
const SOURCES = ['domain', 'workflows', 'package-lock.json'];

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
}

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const folder = join(RELEASES, version);
if (existsSync(folder)) throw new Error(`release ${version} is kept already: raise the version in package.json`);
if (git('status', '--porcelain', '--', ...SOURCES) !== '') throw new Error('commit the sources of the bundle first');

const cache = mkdtempSync(join(tmpdir(), 'lamina-release-'));
try {
  const code = withoutSourceMap((await workflowBundle(cache)).code, `workflows-${version}.js`);
  const release: Release = {
    version,
    commit: git('rev-parse', 'HEAD'),
    sdk: (require('@temporalio/worker/package.json') as { version: string }).version,
    sha256: createHash('sha256').update(code).digest('hex'),
    corpus: headOf(readEntries(import.meta.dirname)),
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'workflows.js.gz'), gzipSync(code, { level: 9 }));
  writeFileSync(join(folder, 'release.json'), `${JSON.stringify(release, null, 2)}\n`);
  addUnlisted(import.meta.dirname);
  process.stdout.write(`${folder}: ${code.length} characters, ${release.corpus.entries} entries in the corpus\n`);
} finally {
  rmSync(cache, { recursive: true });
}

/** The map is two thirds of a bundle and holds the sources once more; the worker insists on there being one. */
function withoutSourceMap(code: string, file: string): string {
  const map = Buffer.from(JSON.stringify({ version: 3, file, sources: [], names: [], mappings: '' })).toString(
    'base64',
  );
  const end = code.lastIndexOf('//# sourceMappingURL=');
  return `${code.slice(0, end)}//# sourceMappingURL=data:application/json;base64,${map}\n`;
}
