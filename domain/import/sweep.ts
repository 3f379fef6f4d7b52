/** What sweeps have in common: parameters of a script, named like the arguments of transformers and TRL. */
import { isSettingPath, numberKind } from '../spec/search.ts';
import { Draft, type Tree } from './draft.ts';
import { numberOf, type Rules, shown } from './rules.ts';
import { SCRIPT } from './trl.ts';

/** Names that scripts give to the same settings. */
const ALIASES: Readonly<Record<string, string>> = {
  lr: 'learning_rate',
  batch_size: 'per_device_train_batch_size',
  train_batch_size: 'per_device_train_batch_size',
  grad_accum: 'gradient_accumulation_steps',
  r: 'lora_r',
  rank: 'lora_r',
  alpha: 'lora_alpha',
  dropout: 'lora_dropout',
  optimizer: 'optim',
  scheduler: 'lr_scheduler_type',
  epochs: 'num_train_epochs',
  steps: 'max_steps',
  model: 'model_name_or_path',
  base_model: 'model_name_or_path',
  dataset: 'dataset_name',
  sequence_len: 'max_length',
  cutoff_len: 'max_length',
};

/** "--learningRate" and "learning-rate" as `learning_rate`. */
export function scriptName(name: string): string {
  const plain = name
    .replace(/^-+/, '')
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
  return ALIASES[plain] ?? plain;
}

/** Settings that a sweep does not vary, under the names that the script has for them. */
export function applyFixed(fixed: Tree, apply: (rules: Rules, settings: Tree) => void): void {
  apply(SCRIPT, Object.fromEntries(Object.entries(fixed).map(([name, value]) => [scriptName(name), value])));
}

/** Values of a parameter: a list, or a range. */
export type Space =
  | { readonly values: readonly unknown[] }
  | { readonly low: number; readonly high: number; readonly log: boolean; readonly step: number | null };

/** As a searched parameter, or with `listed` as an axis of the matrix. */
export function vary(name: string, space: Space, draft: Draft, listed: boolean): void {
  const values = 'values' in space ? space.values : [space.low, space.high];
  const read = values.map((value) => readValue(name, value));
  const [first] = read;
  const problem = read.find((one) => 'why' in one);
  if (problem !== undefined && 'why' in problem) return draft.leave(name, problem.why);
  if (first === undefined || 'why' in first) return draft.leave(name, 'has no values');
  const { path } = first;
  const found = read.flatMap((one) => ('why' in one ? [] : [one.value]));
  const flat = [...new Set(found.flat())];
  if (path === 'matrix.seed' || (listed && isSettingPath(path) && 'values' in space)) {
    return draft.set(path.startsWith('matrix.') ? path : `matrix.${path}`, flat);
  }
  if (!isSettingPath(path)) return draft.leave(name, `sets ${path}, which is no setting that is searched`);
  if ('values' in space) return draft.set(`search.parameters.${path}`, { choices: found });
  const [low, high] = found.map(numberOf);
  if (numberKind(path) === null || low == null || high == null) {
    return draft.leave(name, `${path} is no number: it takes values, and no range`);
  }
  const { log, step } = space;
  draft.set(`search.parameters.${path}`, { low, high, ...(log ? { log } : {}), ...(step === null ? {} : { step }) });
}

function readValue(name: string, value: unknown): { path: string; value: unknown } | { why: string } {
  const key = scriptName(name);
  const rule = Object.hasOwn(SCRIPT, key) ? SCRIPT[key] : undefined;
  if (rule === undefined) return { why: 'Lamina has no such setting' };
  const probe = new Draft();
  rule(value, probe, name);
  const [set] = probe.assigned;
  if (set !== undefined) return { path: set[0], value: set[1] };
  return { why: probe.left[0]?.why ?? `${shown(value)} is not a value that can be searched` };
}

/** The objective that a metric's name means; null where none does. */
export function objectiveOf(metric: string): 'loss' | 'perplexity' | 'accuracy' | null {
  if (/perplexity|ppl/i.test(metric)) return 'perplexity';
  if (/acc/i.test(metric)) return 'accuracy';
  return /loss/i.test(metric) ? 'loss' : null;
}

export function objective(metric: unknown, key: string, draft: Draft): void {
  const meant = typeof metric === 'string' ? objectiveOf(metric) : null;
  if (meant !== null) draft.set('objective.metric', meant);
  else draft.leave(key, `${shown(metric ?? null)} is not measured: the held-out loss is searched for`);
}
