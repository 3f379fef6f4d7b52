/** Each formula of the trainer is guarded: a mistake planted into it makes the tests that guard it fail. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { TRAINER_FOLDER, trainerEnvironment, trainerPython } from '../support/trainer.ts';
import { assertOnce, type Mutation } from './mutation.ts';

const BY_HAND = 'tests/test_evaluation.py::test_mean_standard_error_and_perplexity_by_hand';
const RESULT = 'tests/test_trial_result.py';
const DIFFERENCE = 'tests/test_adapter.py::test_the_difference_of_logits_by_hand';
const TRIAL = 'tests/test_trial.py::test_every_precision_and_method_trains_and_is_measured[fp32-full]';
const HEAD = 'tests/test_chunked_cross_entropy.py::test_loss_and_gradients_are_those_of_the_plain_formula';

const MUTATIONS: readonly Mutation[] = [
  [
    'loss is a mean over tokens',
    'measure/evaluation.py',
    'math.fsum(sums) / tokens',
    'math.fsum(sums) / len(sums)',
    BY_HAND,
  ],
  ['perplexity is exp of the loss', 'measure/evaluation.py', 'math.exp(loss)\n', '2.0**loss\n', BY_HAND],
  ['standard error: n / (n − 1)', 'measure/evaluation.py', 'residuals * n / (n - 1)', 'residuals', BY_HAND],
  [
    'standard error: residuals of the ratio',
    'measure/evaluation.py',
    '(s - loss * c) ** 2',
    '(s - loss) ** 2',
    BY_HAND,
  ],
  ['standard error: per token', 'measure/evaluation.py', '(n - 1)) / tokens', '(n - 1)) / n', BY_HAND],
  ['standard error of perplexity', 'measure/evaluation.py', 'perplexity * error', 'error', BY_HAND],
  ['accuracy is a share of tokens', 'measure/evaluation.py', 'right / tokens', 'right / n', BY_HAND],
  [
    'padding has no next token',
    'data/padding.py',
    'counted[row, : len(sequence) - 1] = torch.as_tensor(batch.counted_in(row)[1:])',
    'counted[row, :] = True',
    'tests/test_evaluation.py::test_padding_has_no_next_token',
  ],
  [
    'only tokens that count are averaged over',
    'data/blocks.py',
    'np.count_nonzero(self.counted[start if headed else start + 1 : end])',
    'len(self.counted[start if headed else start + 1 : end])',
    'tests/test_evaluation.py::test_only_tokens_that_count_are_scored_and_trained_on',
  ],
  [
    'log-sum-exp of the head',
    'model/chunked_cross_entropy.py',
    'maximum + torch.log(total)',
    'maximum + torch.log1p(total)',
    HEAD,
  ],
  ['running sum of the head', 'model/chunked_cross_entropy.py', 'total * shrink +', 'total +', HEAD],
  ['bits per parameter', 'trial/result.py', '8 * storage.weight_bytes', '4 * storage.weight_bytes', RESULT],
  [
    'bits per quantized parameter',
    'trial/result.py',
    '8 * storage.quantized_bytes / quantized',
    '8 * storage.quantized_bytes / storage.parameters',
    RESULT,
  ],
  [
    'quantization constants are storage',
    'measure/storage.py',
    '_nbytes(parameter) + sum(_nbytes(c) for c in constants)',
    '_nbytes(parameter)',
    'tests/test_precision.py::test_bits_per_parameter_are_measured_from_the_tensors[nf4-4.5]',
  ],
  [
    'parameters are counted as they were before packing',
    'measure/storage.py',
    'count = parameter.numel() if held is None else held[0].parameters(held[1])',
    'count = parameter.numel()',
    'tests/test_precision.py::test_logical_parameters_do_not_depend_on_storage',
  ],
  ['tokens/s of measured steps alone', 'trial/result.py', 'sum(outcome.step_tokens) /', 'outcome.tokens /', RESULT],
  [
    'samples/s of measured steps alone',
    'trial/result.py',
    'len(outcome.step_seconds) * samples_per_step / seconds',
    'outcome.samples / seconds',
    RESULT,
  ],
  [
    'warm-up steps are not measured',
    'training/trainer.py',
    'outcome.step_tokens.append',
    'outcome.step_tokens.extend',
    TRIAL,
  ],
  ['tokens of a step', 'training/trainer.py', 'tokens = len(batch.tokens)', 'tokens = targets', TRIAL],
  [
    'parts of a step',
    'training/step_clock.py',
    'before = mark',
    'before = self._began',
    'tests/test_price.py::test_parts_add_up_what_lies_between_the_marks',
  ],
  [
    'share of dequantization on GPUs',
    'measure/dequantization.py',
    'part / whole',
    'part / (whole - part)',
    'tests/test_price.py::test_the_share_of_dequantization_is_that_of_its_time',
  ],
  [
    'share of dequantization on CPUs',
    'measure/dequantization.py',
    'if start >= until:',
    'if True:',
    'tests/test_price.py::test_dequantization_inside_dequantization_counts_once',
  ],
  [
    'joules from microjoules',
    'measure/energy.py',
    '(now - last) / 1e6',
    '(now - last) / 1e3',
    'tests/test_price.py::test_rapl_counts_every_package_once_and_through_an_overflow',
  ],
  [
    'idle power is energy over time',
    'measure/energy.py',
    'max(0.0, after - before) / (time.perf_counter() - began)',
    'max(0.0, after - before)',
    'tests/test_price.py::test_idle_power_is_energy_over_time',
  ],
  [
    'energy of a span is a difference',
    'measure/energy.py',
    'after - self._before',
    'after',
    'tests/test_price.py::test_energy_of_a_span_is_what_was_used_within_it',
  ],
  ['merge: relative to the logits', 'model/merge.py', ' / centred.square().mean().sqrt()', '', DIFFERENCE],
  [
    'merge: a constant added to all logits says nothing',
    'model/merge.py',
    'centred - (second - second.mean(dim=-1, keepdim=True))',
    'first - second',
    DIFFERENCE,
  ],
  ['merge: divergence', 'model/merge.py', '(a.exp() * (a - b))', '(b.exp() * (a - b))', DIFFERENCE],
  [
    'angular distance',
    'model/angular_distance.py',
    '.mean()) / math.pi',
    '.mean()) / math.tau',
    'tests/test_layers.py::test_angular_distance_is_the_angle_over_pi',
  ],
  [
    'GGUF: tokens that were scored',
    'llama/perplexity.py',
    'context - 1 - context // 2',
    'context // 2',
    'tests/test_llama.py::test_statistics_are_read',
  ],
  [
    'GGUF: a share, not percent',
    'llama/perplexity.py',
    'share / 100',
    'share',
    'tests/test_llama.py::test_statistics_are_read',
  ],
].map(([what, file, find, replace, guard]) => ({ what, file, find, replace, guard }) as Mutation);

let copy: string;
let outcomes: { readonly code: number; readonly output: string }[];

before(() => {
  copy = mkdtempSync(join(tmpdir(), 'lamina-mutation-'));
  for (const part of ['src', 'tests', 'contracts', 'pyproject.toml', 'requirements.txt']) {
    cpSync(join(TRAINER_FOLDER, part), join(copy, part), {
      recursive: true,
      filter: (path) => !path.endsWith('__pycache__'),
    });
  }
  const intact = [...new Set(MUTATIONS.map(({ guard }) => guard))];
  const order = {
    root: copy,
    mutants: [
      { file: 'measure/evaluation.py', find: '', replace: '', tests: intact },
      ...MUTATIONS.map(({ guard, ...mutation }) => ({ ...mutation, tests: [guard] })),
    ],
  };
  const { stdout, stderr, status } = spawnSync(trainerPython(), [join(import.meta.dirname, 'mutants.py')], {
    input: JSON.stringify(order),
    env: trainerEnvironment(),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.equal(status, 0, stderr);
  outcomes = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
});
after(() => {
  rmSync(copy, { recursive: true, force: true });
});

test('without a mutation the guards pass', () => {
  assert.equal(outcomes[0]?.code, 0, outcomes[0]?.output);
});

for (const [index, mutation] of MUTATIONS.entries()) {
  test(`${mutation.what}: caught`, () => {
    assertOnce(readFileSync(join(copy, 'src/lamina_trainer', mutation.file), 'utf8'), mutation);
    const outcome = outcomes[index + 1];
    // 1: a test failed; anything else is no answer, such as a mutant that cannot be imported.
    assert.equal(outcome?.code, 1, outcome?.output);
  });
}
