/** Weights & Biases: the YAML file of a sweep. */
import { type Draft, isTree, type Tree } from './draft.ts';
import { named } from './huggingface.ts';
import { elsewhere, number, numberOf, type Rules, text, word } from './rules.ts';
import type { Source } from './source.ts';
import { applyFixed, objective, type Space, vary } from './sweep.ts';

const SWEEP: Rules = {
  method: elsewhere,
  parameters: elsewhere,
  metric: elsewhere,
  early_terminate: elsewhere,
  name: text('name'),
  description: text('description'),
  run_cap: number('search.trials'),
  ...named('Lamina runs its own trainer', ['program', 'command', 'job', 'image_uri']),
  ...named('Lamina shows progress itself, and sends it nowhere', ['project', 'entity', 'controller']),
};

const sampler = word('search.sampler', { bayes: 'tpe', random: 'random', grid: 'grid' });

export const wandb: Source = {
  name: 'wandb',
  title: 'a W&B sweep',
  looks: (input) => 'parameters' in input && 'method' in input,
  read(input, draft, apply) {
    apply(SWEEP, input);
    const metric = isTree(input['metric']) ? input['metric']['name'] : null;
    objective(metric, 'metric.name', draft);
    const parameters = isTree(input['parameters']) ? input['parameters'] : {};
    const read = Object.entries(parameters).map(([name, given]) => [name, isTree(given) ? given : {}] as const);
    applyFixed(
      Object.fromEntries(read.flatMap(([name, { value }]) => (value === undefined ? [] : [[name, value]]))),
      apply,
    );
    const varied = read.filter(([, { value }]) => value === undefined);
    const listed = input['method'] === 'grid' && varied.every(([, { values }]) => Array.isArray(values));
    for (const [name, given] of varied) {
      const space = spaceOf(given);
      if (space === null) draft.leave(name, 'has no values, and no range that Lamina can draw from');
      else vary(name, space, draft, listed);
      if (given['probabilities'] !== undefined)
        draft.leave(`${name}.probabilities`, 'choices are equally likely at first');
    }
    if (draft.get('search.parameters') === undefined) {
      if (draft.remove('search.trials')) draft.leave('run_cap', 'every combination of the matrix is run');
      return;
    }
    sampler(input['method'], draft, 'method');
    stopping(input['early_terminate'], draft);
  },
};

function stopping(given: unknown, draft: Draft): void {
  if (!isTree(given)) return;
  if (given['type'] !== 'hyperband')
    return draft.leave('early_terminate', 'Lamina stops trials by median, asha or hyperband');
  const [eta, first] = [numberOf(given['eta']), numberOf(given['min_iter'])];
  draft.set('search.pruner', {
    kind: 'hyperband',
    ...(eta === null ? {} : { reductionFactor: eta }),
    ...(first === null ? {} : { warmupSteps: first }),
  });
  const known = ['type', 'eta', 'min_iter'];
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) draft.leave(`early_terminate.${key}`, 'the pruner has no such setting');
  }
}

function spaceOf({ values, min, max, q, distribution }: Tree): Space | null {
  if (Array.isArray(values)) return { values };
  const [low, high] = [numberOf(min), numberOf(max)];
  if (low === null || high === null) return null;
  const kind = String(distribution ?? 'uniform');
  const step = numberOf(q);
  // The older form has exponents of e as bounds.
  if (/^(q_)?log_uniform$/.test(kind)) return { low: Math.exp(low), high: Math.exp(high), log: true, step: null };
  if (/^(q_)?log_uniform_values$/.test(kind)) return { low, high, log: true, step: null };
  return /^(q_|int_)?uniform$/.test(kind) ? { low, high, log: false, step } : null;
}
