/** Each formula of the comparison is guarded: a mistake planted into it makes the tests that guard it fail. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertOnce, type Mutation } from './mutation.ts';

const MUTATIONS: readonly Mutation[] = [
  ['interval: two-sided 95 % of Student t', 'statistics.ts', 'tQuantile(0.975', 'tQuantile(0.95', 'statistics'],
  [
    'interval: n − 1 degrees of freedom',
    'statistics.ts',
    'tCritical(samples.length - 1)',
    'tCritical(samples.length)',
    'statistics',
  ],
  ['interval: of the mean', 'statistics.ts', ' * sd) / Math.sqrt(samples.length)', ' * sd)', 'statistics'],
  [
    'standard deviation: of a sample',
    'statistics.ts',
    'squares / (samples.length - 1)',
    'squares / samples.length',
    'statistics',
  ],
  ['percentile: interpolated', 'statistics.ts', '* (at - Math.floor(at))', '', 'inference-rows'],
  [
    'perplexity: exp of the mean loss',
    'statistics.ts',
    'centre === null ? null : Math.exp(centre)',
    'mean(samples)',
    'statistics',
  ],
  ['p value: two-sided', 'statistics.ts', '2 * tCdf', 'tCdf', 'statistics'],
  ['p value: of the mean', 'statistics.ts', 'centre / (sd / Math.sqrt(n))', 'centre / sd', 'statistics'],
  ['ratio: geometric mean', 'statistics.ts', 'Math.log(a) - Math.log(b)', 'a / b - 1', 'statistics'],
  ['Holm: step by step', 'statistics.ts', '(order.length - rank)', 'order.length', 'statistics'],
  [
    'Holm: monotone',
    'statistics.ts',
    'Math.max(running, Math.min(1, p * (order.length - rank)))',
    'Math.min(1, p * (order.length - rank))',
    'statistics',
  ],
  ['deltas: paired by seed', 'input.ts', 'others.get(trial.seed)', 'b[a.indexOf(trial)]', 'compare'],
  [
    'deltas: value less baseline',
    'baseline.ts',
    '([value, other]) => value - other',
    '([value, other]) => other - value',
    'compare',
  ],
  [
    'Pareto: worse on one axis is a trade-off',
    '../measures/pareto.ts',
    'if (cost > other) return false;',
    '',
    '../measures/pareto',
  ],
  [
    'Pareto: an equal point stays',
    '../measures/pareto.ts',
    'if (cost < other) better = true;',
    'if (cost <= other) better = true;',
    '../measures/pareto',
  ],
  [
    'Pareto: which way is better',
    '../measures/pareto.ts',
    "better === 'lower' ? number : -number",
    "better === 'lower' ? -number : number",
    '../measures/pareto',
  ],
  ['tokens/s of a row', 'metrics.ts', 'measure: measures.tokensPerSecond', 'measure: measures.loss', 'compare'],
  [
    'prefill tokens/s: of the whole batch',
    'inference-rows.ts',
    '(samples.batchSize * promptTokens)',
    'promptTokens',
    'inference-rows',
  ],
  [
    'decode tokens/s: of new tokens',
    'inference-rows.ts',
    '(samples.batchSize * newTokens) / median(samples.decodeSeconds)',
    '(samples.batchSize * newTokens) / median(samples.prefillSeconds)',
    'inference-rows',
  ],
  [
    'energy per token',
    '../measures/measures.ts',
    'result.energyJoules / result.training.tokens',
    'result.energyJoules / result.training.steps',
    'tables',
  ],
  ['energy above idle', '../measures/measures.ts', '(idleWatts ?? 0) * seconds.train', '(idleWatts ?? 0)', 'tables'],
  [
    'cost: by the hour',
    '../measures/measures.ts',
    '(seconds / 3600) * pricePerHour',
    '(seconds / 60) * pricePerHour',
    'compare',
  ],
  ['total bits', 'total-bits.ts', '8 * (weightBytes ?? 0)', 'weightBytes ?? 0', 'tables'],
  ['depth: share removed', 'depth-rows.ts', '1 - kept.length / original', 'kept.length / original', 'tables'],
  [
    'cost of quantization: k-bit over reference',
    'quantization-cost.ts',
    'pairsBySeed(group.measured, reference.measured, measure)',
    'pairsBySeed(reference.measured, group.measured, measure)',
    'tables',
  ],
  [
    'GGUF: deviation over repetitions',
    'gguf-rows.ts',
    'typical((file) => standardDeviation(file.promptTokensPerSecond))',
    'typical((file) => mean(file.promptTokensPerSecond))',
    'gguf-rows',
  ],
  [
    'GGUF: change of perplexity',
    'gguf-rows.ts',
    'over((file) => file.perplexityDelta)',
    'over((file) => file.perplexity)',
    'gguf-rows',
  ],
].map(([what, file, find, replace, guard]) => ({ what, file, find, replace, guard }) as Mutation);

const root = fileURLToPath(new URL('../..', import.meta.url));
let copy: string;
before(() => {
  copy = mkdtempSync(join(tmpdir(), 'lamina-mutation-'));
  cpSync(join(root, 'domain'), join(copy, 'domain'), { recursive: true });
  cpSync(join(root, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});
after(() => {
  rmSync(copy, { recursive: true, force: true });
});

/** Properties take their time, and the copy's figures worked by hand guard the formulas as well. */
function guards(names: readonly string[]): { readonly code: number | null; readonly output: string } {
  const files = names.map((name) => `domain/results/${name}.test.ts`);
  const args = ['--test', '--test-skip-pattern=/property|10,000/', ...files];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, env, encoding: 'utf8' });
  return { code: status, output: stdout + stderr };
}

test('without a mutation the guards pass', () => {
  const { code, output } = guards([...new Set(MUTATIONS.map(({ guard }) => guard))]);
  assert.equal(code, 0, output);
});

for (const mutation of MUTATIONS) {
  test(`${mutation.what}: caught`, () => {
    const file = join(copy, 'domain/results', mutation.file);
    const original = readFileSync(file, 'utf8');
    assertOnce(original, mutation);
    writeFileSync(
      file,
      original.replace(mutation.find, () => mutation.replace),
    );
    try {
      const { code, output } = guards([mutation.guard]);
      assert.equal(code, 1, output);
      assert.match(output, /AssertionError|ERR_ASSERTION/, 'it must be a figure that is wrong');
    } finally {
      writeFileSync(file, original);
    }
  });
}
