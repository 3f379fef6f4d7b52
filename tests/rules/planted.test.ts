/** Each rule of the repository bites: a violation planted into a copy is found by the tool that guards against it. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { trainerPython } from '../support/trainer.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let copy: string;

before(() => {
  copy = mkdtempSync(join(tmpdir(), 'lamina-rules-'));
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root });
  for (const file of listed.toString().split('\0').filter(Boolean)) {
    cpSync(join(root, file), join(copy, file), { recursive: true, force: true });
  }
  linkPackages();
  execFileSync('git', ['init', '-q'], { cwd: copy });
});
after(() => {
  rmSync(copy, { recursive: true, force: true });
});

/** The packages of the root, and those of the copy in place of the repository's own. */
function linkPackages(): void {
  const installed = join(root, 'node_modules');
  const linked = join(copy, 'node_modules');
  mkdirSync(join(linked, '@lamina'), { recursive: true });
  for (const name of readdirSync(installed)) {
    if (name !== '@lamina') symlinkSync(join(installed, name), join(linked, name));
  }
  for (const name of readdirSync(join(installed, '@lamina'))) {
    symlinkSync(readlinkSync(join(installed, '@lamina', name)), join(linked, '@lamina', name));
  }
}

interface Found {
  readonly code: number | null;
  readonly output: string;
}

/** What a tool says with the file in the copy; the file is gone afterwards. */
function withFile(path: string, content: string, command: readonly [string, ...string[]], cwd = '.'): Found {
  const file = join(copy, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  try {
    const [program, ...args] = command;
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: join(copy, cwd),
      encoding: 'utf8',
      env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`, NO_COLOR: '1' },
    });
    return { code: status, output: stdout + stderr };
  } finally {
    rmSync(file);
  }
}

function assertCaught({ code, output }: Found, path: string, message: RegExp): void {
  assert.notEqual(code, 0, `${path} was let through`);
  const about = output.split('\n').filter((line) => line.includes(path.split('/').at(-1) ?? path));
  assert.ok(about.length > 0, `nothing was said about ${path}:\n${output.slice(-2_000)}`);
  assert.match(output, message);
}

const IMPORTS: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'the domain imports the platform',
    'domain/run/planted.ts',
    '@lamina/platform/application/tokens.ts',
    /domain is pure/,
  ],
  ['the domain does I/O', 'domain/spec/planted.ts', 'node:fs', /domain is pure/],
  ['the domain knows Temporal', 'domain/run/planted.ts', '@temporalio/common', /domain is pure/],
  ['a workflow imports the worker', 'workflows/planted.ts', '@lamina/worker/activities.ts', /sandbox/],
  ['a workflow does I/O', 'workflows/planted.ts', 'node:fs', /sandbox/],
  ['k8s imports the platform', 'k8s/planted.ts', '@lamina/platform/application/tokens.ts', /k8s knows the domain/],
  ['the platform imports the worker', 'services/platform/src/planted.ts', '@lamina/worker/worker.ts', /platform knows/],
  [
    'the application layer imports an adapter',
    'services/platform/src/application/planted.ts',
    '../adapters/database/open.ts',
    /handed to it/,
  ],
  [
    'a process utility knows experiments',
    'services/platform/src/process/planted.ts',
    '@lamina/platform/application/ports/store.ts',
    /know nothing of experiments/,
  ],
  ['the API imports k8s', 'services/api/src/planted.ts', '@lamina/k8s/client.ts', /never speaks to a cluster/],
  ['the API imports the worker', 'services/api/src/planted.ts', '@lamina/worker/worker.ts', /API knows/],
  ['the worker imports the API', 'services/worker/src/planted.ts', '@lamina/api/app.ts', /worker composes/],
  [
    'the CLI imports the platform',
    'services/cli/src/planted.ts',
    '@lamina/platform/application/tokens.ts',
    /HTTP only/,
  ],
  [
    'the CLI imports the reducer',
    'services/cli/src/planted.ts',
    '@lamina/domain/run/protocol/step.ts',
    /know the vocabulary and the contract/,
  ],
  ['the dashboard imports the API', 'services/web/src/planted.ts', '@lamina/api/app.ts', /HTTP only/],
  [
    'something imports tests',
    'services/standalone/src/planted.ts',
    '@lamina/tests/support/trainer.ts',
    /imports tests/,
  ],
  [
    'a path goes round a package',
    'services/api/src/planted.ts',
    '../../platform/src/application/tokens.ts',
    /Name the package/,
  ],
];

for (const [what, path, from, message] of IMPORTS) {
  test(`${what}: caught`, () => {
    const content = `import * as planted from '${from}';\n\nexport const value = planted;\n`;
    assertCaught(withFile(path, content, ['oxlint', path]), path, message);
  });
}

test('a contract type in the CLI is let through', () => {
  const path = 'services/cli/src/planted.ts';
  const content = `import type { TrialView } from '@lamina/domain/contract/api.ts';\n\nexport type Planted = TrialView;\n`;
  const { code, output } = withFile(path, content, ['oxlint', path]);
  assert.equal(code, 0, output);
});

test('a promise that nobody waits for: caught', () => {
  const path = 'services/worker/src/planted.ts';
  const content = 'async function work(): Promise<void> {}\n\nexport function start(): void {\n  work();\n}\n';
  assertCaught(withFile(path, content, ['oxlint', '--type-aware', path]), path, /no-floating-promises/);
});

test('a clock in the domain: caught', () => {
  const path = 'domain/run/planted.ts';
  assertCaught(withFile(path, 'export const now = Date.now();\n', ['oxlint', path]), path, /no clock/);
});

/** Two files that import each other, in any two folders of one package. */
function plantCircle(
  one: string,
  two: string,
  keyword: 'import' | 'import type',
  command: readonly [string, ...string[]],
) {
  const other = join(copy, two);
  const path = (from: string, to: string) => {
    const relative = posix.relative(posix.dirname(from), to);
    return relative.startsWith('.') ? relative : `./${relative}`;
  };
  mkdirSync(dirname(other), { recursive: true });
  writeFileSync(other, `${keyword} { One } from '${path(two, one)}';\n\nexport class Two {\n  of?: One;\n}\n`);
  try {
    const content = `${keyword} { Two } from '${path(one, two)}';\n\nexport class One {\n  of?: Two;\n}\n`;
    return withFile(one, content, command);
  } finally {
    rmSync(other);
  }
}

for (const keyword of ['import', 'import type'] as const) {
  test(`files that ${keyword} each other: caught`, () => {
    const path = 'services/worker/src/planted.ts';
    const found = plantCircle(path, 'services/worker/src/planted-other.ts', keyword, ['oxlint', 'services/worker/src']);
    assertCaught(found, path, /cycle/i);
  });
}

const ownRule = (name: 'cycles' | 'tables' | 'words' | 'replay' | 'methods' | 'protocol') =>
  [process.execPath, 'scripts/rules.ts', name] as const;

for (const [house, one, two] of [
  ['the domain', 'domain/vocabulary/planted.ts', 'domain/contract/planted-other.ts'],
  ['k8s', 'k8s/settings/planted.ts', 'k8s/manifests/planted-other.ts'],
  ['a service', 'services/platform/src/adapters/database/planted.ts', 'services/platform/src/process/planted-other.ts'],
] as const) {
  test(`folders of ${house} whose types import each other: caught`, () => {
    assertCaught(plantCircle(one, two, 'import type', ownRule('cycles')), one, /import each other in a circle/);
  });
}

test('folders that import each other without any file in a circle: caught', () => {
  const path = 'domain/vocabulary/planted.ts';
  const content =
    "import type { TrialSettings } from '../contract/settings.ts';\n\nexport type Planted = TrialSettings;\n";
  assertCaught(withFile(path, content, ownRule('cycles')), path, /vocabulary → contract/);
});

for (const [what, path, content] of [
  ["a table's title in the terminal", 'services/cli/src/planted.ts', "export const title = 'Training matrix';\n"],
  ["a table's title on the dashboard", 'services/web/src/planted.tsx', 'export const title = <h2>Total bits</h2>;\n'],
  [
    'a table that the other formats do not have',
    'services/web/src/planted.tsx',
    'export const table = <DataTable caption="Planted" columns={[]} rows={[]} />;\n',
  ],
  [
    'a table outside the registry',
    'domain/results/planted.ts',
    "import { defineTable } from './tables/table.ts';\n\nexport const PLANTED = defineTable;\n",
  ],
] as const) {
  test(`${what}: caught`, () => {
    assertCaught(withFile(path, content, ownRule('tables')), path, /belong in domain\/results\/tables/);
  });
}

test('a history that is changed, or that is not on the list: caught', () => {
  const path = 'tests/replay/histories/every-trial-runs-once.1.binpb.gz';
  const recorded = readFileSync(join(copy, path));
  try {
    assertCaught(withFile(path, 'changed', ownRule('replay')), path, /every-trial-runs-once.* was changed/);
  } finally {
    writeFileSync(join(copy, path), recorded);
  }
  const planted = 'tests/replay/histories/planted.1.binpb.gz';
  assertCaught(withFile(planted, 'planted', ownRule('replay')), planted, /planted.* is not on the list/);
});

test('a change of the protocol that histories do not know: caught', () => {
  const path = 'domain/run/protocol/rules.ts';
  const right = readFileSync(join(copy, path), 'utf8');
  const wrong = right.replace(/(dueAtMs: [^\n]*=>)[^\n]*/, '$1 nowMs + Math.max(1, delayMs),');
  assert.notEqual(wrong, right);
  try {
    const { code, output } = withFile(path, wrong, ownRule('protocol'));
    assert.notEqual(code, 0, 'the change was let through');
    assert.match(output, /histories\/a-lost-attempt-\S+ no longer replays: .*[Nn]ondeterminism/);
  } finally {
    writeFileSync(join(copy, path), right);
  }
});

for (const [what, line] of [
  ['a word for nobody in particular', 'Stops whoever is late.'],
  ['an old word for again', 'Starts it anew.'],
  ['a word for next to and besides', 'A file beside another.'],
  ['an old word for because there is none', 'Ends for want of memory.'],
  ['a wrong preposition', 'It belongs into a folder.'],
  ['a comment that starts in the middle of a sentence', 'Of the attempts that run.'],
] as const) {
  for (const [path, content] of [
    ['domain/run/planted.ts', `/** ${line} */\nexport type Planted = string;\n`],
    ['python-trainer/src/lamina_trainer/planted.py', `# ${line}\nPLANTED = 1\n`],
  ] as const) {
    test(`${what}, in ${path}: caught`, () => {
      assertCaught(withFile(path, content, ownRule('words')), path, /planted\.\w+:1 says/);
    });
  }
}

test('methods of classes and interfaces that nothing calls: caught', () => {
  const path = 'services/worker/src/planted.ts';
  const content = `export class Planted {
  used(): void {}

  unused(): void {}
}

export interface Port {
  used(): void;
  unused(): void;
}

export const made: Port = { used: () => new Planted().used(), unused: () => undefined };
made.used();
`;
  const planted = withFile(path, content, ownRule('methods'));
  assertCaught(planted, path, /nothing calls Planted\.unused/);
  assert.match(planted.output, /nothing calls Port\.unused/);
  assert.doesNotMatch(planted.output, /\.used/);
});

test('the repository keeps its own rules', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/rules.ts'], { cwd: root, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

test('an export that nothing uses: caught', () => {
  const path = 'services/worker/src/planted.ts';
  assertCaught(withFile(path, 'export const nobody = 1;\n', ['knip', '--no-progress']), path, /planted\.ts/);
});

test('a type error: caught', () => {
  const path = 'services/worker/src/planted.ts';
  assertCaught(withFile(path, "export const count: number = 'one';\n", ['tsc', '--noEmit']), path, /TS2322/);
});

test('a badly formatted file: caught', () => {
  const path = 'services/worker/src/planted.ts';
  assertCaught(withFile(path, 'export const   a = "b"\n', ['biome', 'ci', path]), path, /format/i);
});

test('a Python lint error: caught', () => {
  const path = 'python-trainer/src/lamina_trainer/planted.py';
  const content = '"""Planted."""\n\nimport os\n';
  const command = [trainerPython(), '-m', 'ruff', 'check', '.'] as const;
  assertCaught(withFile(path, content, command, 'python-trainer'), path, /F401/);
});

test('a Python type error: caught', () => {
  const path = 'python-trainer/src/lamina_trainer/planted.py';
  const content = '"""Planted."""\n\nCOUNT: int = "one"\n';
  const command = [trainerPython(), '-m', 'mypy', 'src/lamina_trainer/planted.py'] as const;
  assertCaught(withFile(path, content, command, 'python-trainer'), path, /Incompatible types in assignment/);
});

/** What import-linter says of the trainer's packages in the copy. */
const LINT_IMPORTS = ['env', 'PYTHONPATH=src', join(dirname(trainerPython()), 'lint-imports'), '--no-cache'] as const;

test('a package of the trainer imports one above it, for a type: caught', () => {
  const path = 'python-trainer/src/lamina_trainer/data/planted.py';
  const content =
    '"""Planted."""\n\nfrom typing import TYPE_CHECKING\n\n' +
    'if TYPE_CHECKING:\n    from lamina_trainer.model.loading import LoadedModel\n';
  const { code, output } = withFile(path, content, LINT_IMPORTS, 'python-trainer');
  assert.notEqual(code, 0);
  assert.match(output, /lamina_trainer\.data\.planted -> lamina_trainer\.model\.loading/);
});

test('two modules of the trainer import each other, one of them in a function: caught', () => {
  const other = join(copy, 'python-trainer/src/lamina_trainer/host/planted_other.py');
  writeFileSync(other, 'def two():\n    from lamina_trainer.host.planted import one\n    return one\n');
  try {
    const path = 'python-trainer/src/lamina_trainer/host/planted.py';
    const content = 'from lamina_trainer.host.planted_other import two\n\none = two\n';
    const { code, output } = withFile(path, content, LINT_IMPORTS, 'python-trainer');
    assert.notEqual(code, 0);
    assert.match(output, /in a circle BROKEN/);
    assert.match(output, /planted/);
  } finally {
    rmSync(other);
  }
});

test("the trainer's packages as they are: let through", () => {
  const { code, output } = withFile('python-trainer/planted.txt', '', LINT_IMPORTS, 'python-trainer');
  assert.equal(code, 0, output);
});
