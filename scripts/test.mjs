#!/usr/bin/env node
/**
 * Runs every check and test there is, or the stages that are named: `npm test -- unit python`.
 * `npm test -- --list` names them. Under CI=true nothing that CI could run may be skipped.
 */
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { testCluster } from './lib/cluster.mjs';
import { developmentEnvironment } from './lib/development.mjs';
import { runInLanes } from './lib/lanes.mjs';
import { paths } from './lib/paths.mjs';
import { check, nodeTests, pytest } from './lib/stages.mjs';
import { setup } from './setup.mjs';

const installed = { python: '', temporal: '' };
const trainer = { cwd: paths.trainer };

/**
 * In the order in which they are taken: what answers in seconds, then the longest first, so that no lane ends late.
 * `needs` names a build; stages of the lane `cluster` share one cluster and run one after the other.
 * @type {(import('./lib/lanes.mjs').Job & { about: string, run: (env: Record<string, string | undefined>) => Promise<import('./lib/stages.mjs').Result> })[]}
 */
const stages = [
  { name: 'format', about: 'biome', run: (env) => check(['biome', 'ci', '--colors=off', '.'], { env }) },
  {
    name: 'lint',
    about: 'oxlint: import rules, cycles, promises',
    run: (env) => check(['oxlint', '--type-aware'], { env }),
  },
  { name: 'types', about: 'tsc', run: (env) => check(['tsc', '--noEmit'], { env }) },
  { name: 'dead-code', about: 'knip', run: (env) => check(['knip', '--no-progress'], { env }) },
  {
    name: 'python-lint',
    about: 'ruff; import-linter: layers of packages, cycles',
    run: async (env) => {
      const results = [
        await check([installed.python, '-m', 'ruff', 'check', '.'], { ...trainer, env }),
        await check([installed.python, '-m', 'ruff', 'format', '--check', '.'], { ...trainer, env }),
        await check([join(dirname(installed.python), 'lint-imports'), '--no-logo', '--no-cache'], { ...trainer, env }),
      ];
      return {
        ok: results.every(({ ok }) => ok),
        output: results.map(({ output }) => output).join(''),
        counts: null,
        failures: results.flatMap(({ failures }) => failures),
      };
    },
  },
  {
    name: 'python',
    about: 'pytest',
    needs: 'llama.cpp',
    run: (env) => pytest(installed.python, { ...trainer, env }),
  },
  tests('integration', 'real parts together', ['tests/integration/**/*.test.ts']),
  tests('mutation', 'planted mistakes in formulas', ['tests/mutation/**/*.test.ts']),
  tests('unit', 'tests next to the code', [
    'domain/**/*.test.ts',
    'workflows/**/*.test.ts',
    'k8s/**/*.test.ts',
    'services/**/*.test.ts',
    'scripts/**/*.test.mjs',
  ]),
  tests('browser', 'the dashboard in Chromium', ['tests/browser/**/*.test.ts']),
  tests('conformance', 'ports', ['tests/conformance/{store,runner,instant}*.test.ts']),
  tests('rules', 'planted violations', ['tests/rules/**/*.test.ts']),
  tests('replay', 'recorded histories', ['tests/replay/**/*.test.ts']),
  tests('contract', 'both sides, one contract', ['tests/contract/**/*.test.ts']),
  { name: 'python-types', about: 'mypy', run: (env) => check([installed.python, '-m', 'mypy'], { ...trainer, env }) },
  {
    ...tests('cluster', 'a real Kubernetes', [
      'tests/conformance/kubernetes-runner.test.ts',
      'tests/cluster/**/*.test.ts',
    ]),
    needs: 'the test cluster',
    lane: 'cluster',
  },
  {
    ...tests('containers', 'images of the services', ['tests/containers/**/*.test.ts']),
    needs: 'the test cluster',
    lane: 'cluster',
  },
];
/** Two for two cores, and one that mostly waits for a cluster. */
const LANES = [null, null, 'cluster'];

/** A stage of node:test files, by glob. */
function tests(name, about, globs) {
  return { name, about, run: (env) => nodeTests(globs, { env }) };
}

const MAY_BE_SKIPPED_IN_CI = /\b(GPU|CUDA)\b/;
const CI = process.env.CI === 'true';

async function main(args) {
  if (args.includes('--list')) {
    for (const { name, about } of stages) console.log(`${name.padEnd(14)}${about}`);
    return 0;
  }
  const unknown = args.filter((arg) => !stages.some((stage) => stage.name === arg));
  if (unknown.length > 0) {
    console.error(`There is no stage ${unknown.join(', ')}; there are: ${stages.map((each) => each.name).join(', ')}.`);
    return 2;
  }

  Object.assign(installed, await setup({ development: true, model: CI }));
  const env = {
    ...developmentEnvironment(installed),
    OMP_NUM_THREADS: '1',
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
  };

  const chosen = stages.filter((stage) => args.length === 0 || args.includes(stage.name));
  const cluster = testCluster((line) => console.log(line));
  const builds = {
    'the test cluster': () => cluster.build(),
    'llama.cpp': () => buildLlama(env),
  };
  const summary = [];
  const from = performance.now();
  const runStage = async (stage, unbuilt) => {
    const began = performance.now();
    const failure = unbuilt ?? (stage.lane === 'cluster' ? await cluster.up() : null);
    const failures = [{ name: stage.needs ?? stage.name, why: failure }];
    const result = failure === null ? await stage.run(env) : { ok: false, output: failure, counts: null, failures };
    if (!result.ok) console.log(`\n── ${stage.name} ──\n${result.output.trimEnd()}\n`);
    const { passed, failed, skipped } = result.counts ?? { passed: 0, failed: 0, skipped: [] };
    const counted =
      result.counts === null ? stage.about : `${passed} passed, ${failed} failed, ${skipped.length} skipped`;
    const note = result.note === undefined ? '' : `, ${result.note}`;
    const times = `${minutes(performance.now() - began)}  from ${minutes(began - from)}`;
    const line = `${result.ok ? '✓' : '✗'} ${stage.name.padEnd(13)} ${times}  ${counted}${note}`;
    console.log(line);
    summary.push({ stage, result, line, skipped });
  };

  try {
    await runInLanes(chosen, LANES, builds, runStage);
  } finally {
    await cluster.down();
  }
  console.log(`\nThe stages took ${minutes(performance.now() - from).trim()} min.`);
  return report(summary);
}

/** A quarter of an hour on two cores, once for a machine's cache; outside CI, tests that need it say how to get it. */
async function buildLlama(env) {
  if (!CI) return null;
  const built = await check([installed.python, '-m', 'lamina_trainer', 'llama', 'build'], { ...trainer, env });
  return built.ok ? null : `llama.cpp was not built.\n${built.output}`;
}

/** Minutes and seconds: ` 3:07`. */
function minutes(ms) {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`.padStart(5);
}

/** What fails is said last, briefly: the output of long stages is far above. */
function report(summary) {
  for (const { stage, result } of summary) {
    for (const { name, why } of result.failures) {
      console.log(`\n✗ ${stage.name}: ${name}\n${why.replaceAll(/^/gm, '    ')}`);
    }
  }
  console.log('\nSummary');
  for (const { line } of summary) console.log(`  ${line}`);
  const skipped = summary.flatMap((each) => each.skipped);
  if (skipped.length > 0) console.log('\nSkipped');
  for (const { name, reason } of skipped) console.log(`  ${name}: ${reason}`);
  const forbidden = CI ? skipped.filter(({ reason }) => !MAY_BE_SKIPPED_IN_CI.test(reason)) : [];
  for (const { name } of forbidden) console.log(`✗ CI must not skip "${name}"`);

  const count = (pick) => summary.reduce((sum, { result }) => sum + pick(result), 0);
  const passed = count(({ counts }) => counts?.passed ?? 0);
  // A check that fails, and a test runner that fails without a failed test, count as one.
  const failed = count(({ ok, counts }) => (ok ? 0 : Math.max(1, counts?.failed ?? 0))) + forbidden.length;
  console.log(`\n${passed} passed, ${failed} failed, ${skipped.length} skipped`);
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.log('\n0 passed, 1 failed, 0 skipped');
  process.exitCode = error?.exitCode ?? 1;
}
