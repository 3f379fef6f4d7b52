/** What can be said of the trainer's Dockerfile without building it, and where it must agree with the scheduler. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { kubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import { TRAINER_FOLDER, trainerEnvironment, trainerPython } from '../support/trainer.ts';

interface Instruction {
  readonly word: string;
  readonly rest: string;
}

interface Stage {
  readonly name: string;
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

function stagesOf(text: string): Stage[] {
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .filter(Boolean);
  const stages: { name: string; from: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [word = '', ...words] = line.split(/\s+/);
    if (word === 'FROM') stages.push({ from: words[0] ?? '', name: words[2] ?? '', instructions: [] });
    else stages.at(-1)?.instructions.push({ word, rest: words.join(' ') });
  }
  return stages;
}

const text = readFileSync(join(TRAINER_FOLDER, 'Dockerfile'), 'utf8');
const stages = stagesOf(text);
const stage = (name: string): Stage => stages.find((one) => one.name === name) ?? assert.fail(`no stage ${name}`);
/** Instructions of the stage and those that it starts from, in order. */
function history(name: string): Instruction[] {
  const found = stages.find((one) => one.name === name);
  return found === undefined ? [] : [...history(found.from), ...found.instructions];
}
const last = (name: string, word: string) => history(name).findLast((one) => one.word === word)?.rest;

/** `COPY` from the context: sources and target. */
function copies(of: Stage): { readonly sources: readonly string[]; readonly target: string }[] {
  return of.instructions
    .filter(({ word, rest }) => word === 'COPY' && !rest.startsWith('--from='))
    .map(({ rest }) => {
      const words = rest.replace('${REQUIREMENTS}', 'requirements.txt').split(' ');
      return { sources: words.slice(0, -1), target: words.at(-1) ?? '' };
    });
}

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamina-image-'));
});
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Lays out below `folder` what a stage copies from the context. */
function layOut(name: string): (path: string) => string {
  const root = join(folder, name);
  for (const { sources, target } of copies(stage(name))) {
    for (const source of sources) {
      const from = join(TRAINER_FOLDER, source);
      const intoFolder = target.endsWith('/') ? join(target, basename(source)) : target;
      cpSync(from, join(root, intoFolder), { recursive: true, filter: (path) => !path.includes('__pycache__') });
    }
  }
  return (path) => join(root, path);
}

function python(path: string, ...args: string[]): { readonly code: number | null; readonly output: string } {
  const env = { ...trainerEnvironment(), PYTHONPATH: path };
  const { status, stdout, stderr } = spawnSync(trainerPython(), args, { cwd: folder, env, encoding: 'utf8' });
  return { code: status, output: stdout + stderr };
}

test('both targets are there, and the default one is for GPUs', () => {
  assert.ok(history('cpu').length > 0);
  assert.equal(stages.at(-1)?.name, 'cuda');
  assert.match(text, /^ARG BASE_IMAGE=\S+:\S+$/m);
  assert.doesNotMatch(text, /:latest\b/);
});

test('every file that is copied exists and is in the context', () => {
  const [everything, ...rest] = readFileSync(join(TRAINER_FOLDER, '.dockerignore'), 'utf8').trim().split('\n');
  assert.equal(everything, '*');
  const kept = rest.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const sources = stages.flatMap(copies).flatMap((one) => one.sources);
  assert.ok(sources.length > 0);
  for (const source of sources) {
    assert.ok(existsSync(join(TRAINER_FOLDER, source)), source);
    assert.ok(
      kept.some((path) => source === path || source.startsWith(`${path}/`)),
      `${source} is in .dockerignore`,
    );
  }
  for (const path of kept) assert.ok(statSync(join(TRAINER_FOLDER, path)), path);
  for (const { instructions } of stages) {
    for (const { word, rest: from } of instructions.filter((one) => one.rest.startsWith('--from='))) {
      assert.equal(word, 'COPY');
      assert.ok(
        stages.some(({ name }) => from.startsWith(`--from=${name} `)),
        from,
      );
    }
  }
});

test('it starts as pods start it, as the user that pods run as', () => {
  const defaults = kubernetesSettings.parse({
    image: 'a/b:1',
    artifacts: { source: { persistentVolumeClaim: 'a' } },
  });
  for (const target of ['cpu', 'cuda']) {
    assert.deepEqual(JSON.parse(last(target, 'ENTRYPOINT') ?? ''), defaults.command);
    assert.equal(last(target, 'USER'), `${defaults.runAsUser}:${defaults.runAsUser}`);
  }
  const cluster = readFileSync(new URL('../cluster/images.ts', import.meta.url), 'utf8');
  assert.match(cluster, new RegExp(`'trainer', \\{.*User: '${defaults.runAsUser}'`), 'the test cluster agrees');
});

test('packages come with hashes alone, and with lm-evaluation-harness where that is asked for', () => {
  const installs = stages.flatMap((one) => one.instructions).filter(({ rest }) => /\bpip install\b/.test(rest));
  assert.equal(installs.length, 1);
  assert.match(installs[0]?.rest ?? '', /--require-hashes --requirement/);
  for (const name of ['requirements.txt', 'requirements-lm-eval.txt']) {
    const lines = readFileSync(join(TRAINER_FOLDER, name), 'utf8')
      .replace(/ *\\\n */g, ' ')
      .split('\n');
    const pinned = lines.filter((line) => /^[a-z]/i.test(line));
    assert.ok(pinned.length > 50);
    for (const line of pinned) assert.match(line, /^\S+==\S+.* --hash=sha256:[0-9a-f]{64}/);
  }
});

test('layers stay small, and nothing secret is in one', () => {
  for (const { word, rest } of stages.flatMap((one) => one.instructions)) {
    assert.notEqual(word, 'ADD');
    assert.doesNotMatch(rest, /(TOKEN|SECRET|PASSWORD|API_KEY)/i);
    for (const install of rest.match(/apt-get install[^&]*/g) ?? []) {
      assert.match(install, /--yes --no-install-recommends/);
      assert.match(rest, /rm -rf \/var\/lib\/apt\/lists\/\*$/);
    }
  }
});

test('the stage that builds llama.cpp has what its command imports', () => {
  const at = layOut('llama');
  const path = /PYTHONPATH=(\S+)/.exec(last('llama', 'ENV') ?? '')?.[1] ?? '';
  const { code, output } = python(at(path), '-m', 'lamina_trainer.llama', 'build', '--help');
  assert.equal(code, 0, output);
  assert.match(output, /--archive/);
});

test('the trainer in the image has the revision of the repository', () => {
  const at = layOut('cpu');
  const environment = stage('cpu').instructions.find(({ word }) => word === 'ENV')?.rest ?? '';
  const path = /PYTHONPATH=(\S+)/.exec(environment)?.[1] ?? '';
  const inImage = python(at(path), '-m', 'lamina_trainer', 'revision');
  assert.equal(inImage.code, 0, inImage.output);
  const here = python(join(TRAINER_FOLDER, 'src'), '-m', 'lamina_trainer', 'revision');
  assert.equal(inImage.output, here.output);
});
