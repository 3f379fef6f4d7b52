#!/usr/bin/env node
/**
 * Runs every check and test there is, or the stages that are named: `npm test -- unit python`.
 * `npm test -- --list` names them. Under CI=true nothing that CI could run may be skipped.
 */
import { performance } from 'node:perf_hooks';
import { testCluster } from './lib/cluster.mjs';
import { developmentEnvironment } from './lib/development.mjs';
import { paths } from './lib/paths.mjs';
import { check, nodeTests, pytest } from './lib/stages.mjs';
import { setup } from './setup.mjs';

const installed = { python: '', temporal: '' };
const trainer = { cwd: paths.trainer };

/** @type {{ name: string, about: string, alone?: boolean, cluster?: boolean, run: (env: Record<string, string | undefined>) => Promise<import('./lib/stages.mjs').Result> }[]} */
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
    about: 'ruff',
    run: async (env) => {
      const lint = await check([installed.python, '-m', 'ruff', 'check', '.'], { ...trainer, env });
      const format = await check([installed.python, '-m', 'ruff', 'format', '--check', '.'], { ...trainer, env });
      const failures = [...lint.failures, ...format.failures];
      return { ok: lint.ok && format.ok, output: lint.output + format.output, counts: null, failures };
    },
  },
  { name: 'python-types', about: 'mypy', run: (env) => check([installed.python, '-m', 'mypy'], { ...trainer, env }) },
  { name: 'python', about: 'pytest', run: (env) => pytest(installed.python, { ...trainer, env }) },
  {
    name: 'unit',
    about: 'tests beside the code',
    run: (env) =>
      nodeTests(
        [
          'domain/**/*.test.ts',
          'workflows/**/*.test.ts',
          'k8s/**/*.test.ts',
          'services/**/*.test.ts',
          'scripts/**/*.test.mjs',
        ],
        {
          env,
        },
      ),
  },
  { name: 'rules', about: 'planted violations', run: (env) => nodeTests(['tests/rules/**/*.test.ts'], { env }) },
  {
    name: 'mutation',
    about: 'planted mistakes in formulas',
    run: (env) => nodeTests(['tests/mutation/**/*.test.ts'], { env }),
  },
  {
    name: 'contract',
    about: 'both sides, one contract',
    run: (env) => nodeTests(['tests/contract/**/*.test.ts'], { env }),
  },
  { name: 'replay', about: 'recorded histories', run: (env) => nodeTests(['tests/replay/**/*.test.ts'], { env }) },
  {
    name: 'conformance',
    about: 'ports',
    alone: true,
    cluster: true,
    run: (env) => nodeTests(['tests/conformance/**/*.test.ts'], { env }),
  },
  {
    name: 'integration',
    about: 'real parts together',
    alone: true,
    run: (env) => nodeTests(['tests/integration/**/*.test.ts'], { env }),
  },
  {
    name: 'cluster',
    about: 'a real Kubernetes',
    alone: true,
    cluster: true,
    run: (env) => nodeTests(['tests/cluster/**/*.test.ts'], { env }),
  },
  {
    name: 'containers',
    about: 'images of the services',
    alone: true,
    cluster: true,
    run: (env) => nodeTests(['tests/containers/**/*.test.ts'], { env }),
  },
  {
    name: 'browser',
    about: 'the dashboard in Chromium',
    alone: true,
    run: (env) => nodeTests(['tests/browser/**/*.test.ts'], { env }),
  },
];

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
  if (CI && chosen.some((stage) => stage.name === 'python')) {
    // A quarter of an hour on two cores, once for a machine's cache; elsewhere tests that need it say how to get it.
    console.log('Building llama.cpp.');
    const built = await check([installed.python, '-m', 'lamina_trainer', 'llama', 'build'], { ...trainer, env });
    if (!built.ok) throw new Error(`llama.cpp was not built.\n${built.output}`);
  }
  const cluster = testCluster((line) => console.log(line));
  if (chosen.some((stage) => stage.cluster)) void cluster.build();
  const summary = [];
  const runStage = async (stage) => {
    const from = performance.now();
    const failure = stage.cluster ? await cluster.up() : null;
    const failures = [{ name: 'the test cluster', why: failure }];
    const result = failure === null ? await stage.run(env) : { ok: false, output: failure, counts: null, failures };
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    if (!result.ok) console.log(`\n── ${stage.name} ──\n${result.output.trimEnd()}\n`);
    const { passed, failed, skipped } = result.counts ?? { passed: 0, failed: 0, skipped: [] };
    const counted =
      result.counts === null ? stage.about : `${passed} passed, ${failed} failed, ${skipped.length} skipped`;
    const note = result.note === undefined ? '' : `, ${result.note}`;
    const line = `${result.ok ? '✓' : '✗'} ${stage.name.padEnd(13)} ${`${seconds} s`.padStart(8)}  ${counted}${note}`;
    console.log(line);
    summary.push({ stage, result, line, skipped });
  };

  // Two at a time where nothing is measured against the clock; the rest one after the other.
  const queue = chosen.filter((stage) => !stage.alone);
  const lane = async () => {
    for (let stage = queue.shift(); stage !== undefined; stage = queue.shift()) await runStage(stage);
  };
  await Promise.all([lane(), lane()]);
  try {
    for (const stage of chosen.filter((each) => each.alone)) await runStage(stage);
  } finally {
    await cluster.down();
  }
  return report(summary);
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
  process.exitCode = 1;
}
