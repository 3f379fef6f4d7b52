/** Checks that look at more than one field. Each is skipped where a field that it needs has a mistake of its own. */

import { hasAdapters, methodProblem } from '../vocabulary/methods.ts';
import { DOUBLE_QUANTIZED } from '../vocabulary/precisions.ts';
import { AXIS_NAMES } from './axes.ts';
import { boundsAt, placeOf, type Report, reachedAt, type Subject, valuesAt } from './check-subject.ts';
import { baselineChecks, excludeChecks } from './checks-cells.ts';
import { searchChecks } from './checks-search.ts';
import { countCells, countTrials } from './combinations.ts';
import { generatedChecks } from './generated-checks.ts';
import { type Issue, issue } from './problems.ts';

/** Most trials of one experiment. */
export const MAX_TRIALS = 100_000;
/** Most tokens of one forward pass; more is a slip of the keyboard. */
const MAX_PASS_TOKENS = 4 * 1024 * 1024;

type Check = (subject: Subject, report: Report) => void;

export function crossChecks(subject: Subject): {
  readonly issues: readonly Issue[];
  readonly warnings: readonly Issue[];
} {
  const issues: Issue[] = [];
  const warnings: Issue[] = [];
  const report: Report = {
    issue: (path, message, fix) => void issues.push(issue(path, message, fix)),
    warn: (path, message, fix) => void warnings.push(issue(path, message, fix)),
  };
  for (const check of CHECKS) check(subject, report);
  return { issues, warnings };
}

const model: Check = ({ document, matrix }, report) => {
  if (matrix.model === undefined && document.model === null)
    report.issue(['model'], 'is required', 'name a model, e.g. "owner/name", or list several in matrix.model');
  if (matrix.model !== undefined && document.model !== null && document.model !== undefined)
    report.issue(['model'], 'is given twice: matrix.model lists models too', 'move it into matrix.model');
};

const adapters: Check = ({ matrix, given, sound }, report) => {
  if (!sound('method')) return;
  if ([...matrix.method, ...matrix.include.flatMap((entry) => entry.method ?? [])].some(hasAdapters)) return;
  const fix = 'remove it, or add lora or qlora to matrix.method';
  if (given.lora !== undefined && given.lora !== null)
    report.issue(['lora'], 'has no effect: no method of the matrix has adapters', fix);
  for (const axis of AXIS_NAMES)
    if (axis.startsWith('lora.') && matrix[axis] !== undefined)
      report.issue(['matrix', axis], 'has no effect: no method of the matrix has adapters', fix);
};

const methods: Check = ({ matrix, sound }, report) => {
  if (!sound('method') || !sound('precision') || matrix.include.length > 0) return;
  if (matrix.method.length === 0 || matrix.precision.length === 0) return;
  const problems = matrix.method.flatMap((method) =>
    matrix.precision.map((precision) => methodProblem(method, precision)),
  );
  const [first] = problems;
  if (first === null || first === undefined || problems.includes(null)) return;
  report.issue(
    ['matrix', 'method'],
    `fits no precision of the matrix: ${first.message}`,
    'list lora and qlora; the half that makes no sense is dropped',
  );
};

const quantization: Check = (subject, report) => {
  const { matrix, sound } = subject;
  if (!sound('precision')) return;
  const precisions = [...matrix.precision, ...matrix.include.flatMap((entry) => entry.precision ?? [])];
  const doubled = valuesAt(subject, 'quantization.doubleQuant');
  const place = placeOf(subject, 'quantization.doubleQuant');
  const contradiction = [...DOUBLE_QUANTIZED].find(([, doubled]) => precisions.includes(doubled));
  if (doubled.includes(false) && contradiction !== undefined)
    report.issue(
      place,
      `contradicts ${contradiction[1]}, which is double quantization`,
      `write ${contradiction[0]}, or leave doubleQuant out`,
    );
  if (doubled.includes(true) && ![...DOUBLE_QUANTIZED].flat().some((precision) => precisions.includes(precision)))
    report.warn(place, `has no effect: the matrix has neither ${[...DOUBLE_QUANTIZED.keys()].join(' nor ')}`);
  const halves = reachedAt(subject, 'quantization.computeDtype').filter(
    (dtype) => dtype === 'bf16' || dtype === 'fp16',
  );
  if (precisions.includes('tf32') && halves.length > 0)
    report.issue(
      placeOf(subject, 'quantization.computeDtype'),
      `${halves[0]} contradicts tf32, which multiplies fp32 numbers`,
      'write auto or fp32, or leave tf32 out',
    );
};

const steps: Check = (subject, report) => {
  const fewest = boundsAt(subject, 'training.steps')?.least;
  const warmup = boundsAt(subject, 'training.warmupSteps')?.most;
  const unmeasured = boundsAt(subject, 'training.warmupMeasurements')?.most;
  if (fewest === undefined) return;
  if (warmup !== undefined && warmup > fewest)
    report.issue(
      placeOf(subject, 'training.warmupSteps'),
      `is ${warmup}, more than the ${fewest} steps of the training`,
      `write at most ${fewest}`,
    );
  if (unmeasured !== undefined && unmeasured >= fewest)
    report.warn(
      placeOf(subject, 'training.warmupMeasurements'),
      `leaves no step of ${fewest} to measure speed from`,
      'train for more steps, or leave fewer out',
    );
};

const batches: Check = (subject, report) => {
  const longest = boundsAt(subject, 'training.maxLength')?.most;
  if (longest === undefined) return;
  for (const path of ['training.microBatch', 'evaluation.microBatch'] as const) {
    const largest = boundsAt(subject, path)?.most;
    if (largest !== undefined && largest * longest > MAX_PASS_TOKENS)
      report.issue(
        placeOf(subject, path),
        `makes a forward pass of ${largest} × ${longest} tokens; at most ${MAX_PASS_TOKENS} are possible`,
        'use accumulation for large batches',
      );
  }
  const scored = boundsAt(subject, 'evaluation.maxTokens')?.least;
  if (scored !== undefined && scored < longest)
    report.issue(
      placeOf(subject, 'evaluation.maxTokens'),
      `is ${scored}, less than one sequence of ${longest} tokens`,
      `write at least ${longest}`,
    );
};

const limits: Check = ({ document: { policy, resources, objective } }, report) => {
  if (policy !== undefined) {
    if (policy.attempts > policy.maxAttempts)
      report.issue(
        ['policy', 'attempts'],
        `is ${policy.attempts}, more than the ${policy.maxAttempts} of policy.maxAttempts`,
        'raise policy.maxAttempts',
      );
    if (policy.backoff.initial > policy.backoff.max)
      report.issue(
        ['policy', 'backoff', 'initial'],
        `is longer than the longest wait: ${policy.backoff.initial} s against ${policy.backoff.max} s`,
        'raise policy.backoff.max',
      );
  }
  if (resources !== undefined && resources.maxMemory !== null && (resources.memory ?? 0) > resources.maxMemory)
    report.issue(['resources', 'memory'], 'is more than resources.maxMemory', 'raise resources.maxMemory');
  if (
    objective !== undefined &&
    objective.maxCost !== null &&
    resources !== undefined &&
    resources.pricePerHour === null
  )
    report.issue(['objective', 'maxCost'], 'needs a price to compare with', 'give resources.pricePerHour');
};

const bound: Check = ({ document: { search }, matrix }, report) => {
  const studies = search?.per === 'matrix' ? 1 : countCells(matrix);
  const trials = countTrials(matrix) + studies * (search?.trials ?? 0);
  if (trials > MAX_TRIALS)
    report.issue(
      ['matrix'],
      `has ${trials.toLocaleString('en')} trials; an experiment may have ${MAX_TRIALS.toLocaleString('en')}`,
      'take values off an axis, or split it into several experiments',
    );
};

const seeds: Check = ({ matrix, sound }, report) => {
  if (sound('seed') && matrix.seed.length === 1)
    report.warn(['matrix', 'seed'], 'has one seed: the comparison will have no intervals', 'give it three or more');
};

const CHECKS: readonly Check[] = [
  model,
  adapters,
  methods,
  quantization,
  steps,
  batches,
  limits,
  bound,
  seeds,
  baselineChecks,
  excludeChecks,
  generatedChecks,
  searchChecks,
];
