/**
 * Checks what no linter can: `npm run lint` runs it after oxlint. Says what is wrong and exits with 1.
 * `node scripts/rules.ts [RULE …]`: all rules unless some are named.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TABLES } from '../domain/results/tables/registry.ts';
import { problemsOf } from '../tests/replay/corpus.ts';
import { headsOf } from '../tests/replay/releases.ts';
import { folderCycles } from './rules/cycles.ts';
import { unreplayed } from './rules/protocol.ts';
import { tableTitles } from './rules/table-titles.ts';
import { unusedMethods } from './rules/unused-methods.ts';
import { avoidedWords } from './rules/words.ts';

const root = join(import.meta.dirname, '..');
const replay = join(root, 'tests/replay');
const WRITTEN = /\.(?:tsx?|mjs|py|md|ya?ml|css|html)$/;

/** Sources and documents by path from the root, those that git does not ignore. */
function texts(): ReadonlyMap<string, string> {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  const paths = listed.split('\0').filter((path) => WRITTEN.test(path) && existsSync(join(root, path)));
  return new Map([...new Set(paths)].map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

const all = texts();
const files = new Map([...all].filter(([path]) => /\.tsx?$/.test(path)));

const RULES: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  cycles: async () => folderCycles(files),
  tables: async () =>
    tableTitles(
      files,
      TABLES.map(({ title }) => title),
    ),
  words: async () => avoidedWords(all),
  replay: async () => problemsOf(replay, headsOf(replay)).map((problem) => `tests/replay: ${problem}`),
  methods: () => unusedMethods(root, files),
  protocol: unreplayed,
};

const named = process.argv.slice(2);
for (const [name, rule] of Object.entries(RULES)) {
  if (named.length > 0 && !named.includes(name)) continue;
  for (const problem of await rule()) {
    console.error(problem);
    process.exitCode = 1;
  }
}
