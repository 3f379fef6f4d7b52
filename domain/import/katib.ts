/** Katib: an Experiment of Kubeflow. What its trials run is read from the flags of their containers. */
import { isTree, type Tree } from './draft.ts';
import { named } from './huggingface.ts';
import { elsewhere, leave, number, numberOf, type Rule, type Rules, word } from './rules.ts';
import type { Source } from './source.ts';
import { applyFixed, objective, type Space, vary } from './sweep.ts';

const EXPERIMENT: Rules = {
  objective: elsewhere,
  algorithm: elsewhere,
  parameters: elsewhere,
  trialTemplate: elsewhere,
  earlyStopping: elsewhere,
  maxTrialCount: number('search.trials'),
  parallelTrialCount: (value, draft, key) => {
    number('search.parallel')(value, draft, key);
    number('policy.maxParallel')(value, draft, key);
  },
  maxFailedTrialCount: leave('failures are answered by class, see policy.attempts'),
  metricsCollectorSpec: leave('Lamina measures and collects itself'),
  resumePolicy: leave('experiments always survive a restart'),
  nasConfig: leave('there is no architecture search: depth is the axis matrix.layers'),
};

const sampler = word('search.sampler', {
  random: 'random',
  grid: 'grid',
  tpe: 'tpe',
  'multivariate-tpe': 'tpe',
  bayesianoptimization: 'tpe',
  cmaes: 'cma-es',
});

const stopping: Rule = (value, draft, key) => {
  if (value === 'medianstop') draft.set('search.pruner', { kind: 'median' });
  else draft.leave(key, 'Lamina stops trials by median, asha or hyperband: see search.pruner');
};

export const katib: Source = {
  name: 'katib',
  title: 'Katib',
  looks: (input) => input['kind'] === 'Experiment' && /kubeflow\.org/.test(String(input['apiVersion'])),
  read(input, draft, apply) {
    const metadata = treeAt(input, 'metadata');
    const spec = treeAt(input, 'spec');
    if (metadata['name'] !== undefined) draft.set('name', String(metadata['name']));
    apply(EXPERIMENT, spec);
    const { objectiveMetricName, goal, additionalMetricNames } = treeAt(spec, 'objective');
    objective(objectiveMetricName, 'spec.objective.objectiveMetricName', draft);
    if (goal !== undefined) draft.leave('spec.objective.goal', 'a search makes as many trials as it is told');
    if (additionalMetricNames !== undefined)
      draft.leave('spec.objective.additionalMetricNames', 'everything is measured');
    const { algorithmName, algorithmSettings } = treeAt(spec, 'algorithm');
    if (algorithmName !== undefined) sampler(algorithmName, draft, 'spec.algorithm.algorithmName');
    if (algorithmSettings !== undefined) draft.leave('spec.algorithm.algorithmSettings', 'settings of another sampler');
    const { algorithmName: stop } = treeAt(spec, 'earlyStopping');
    if (stop !== undefined) stopping(stop, draft, 'spec.earlyStopping.algorithmName');

    const template = treeAt(spec, 'trialTemplate');
    const flags = flagsIn(template['trialSpec']);
    const references = new Map(
      trees(template['trialParameters']).map((one) => [String(one['name']), String(one['reference'])]),
    );
    const nameOf = new Map<string, string>();
    const fixed: Tree = {};
    for (const [flag, value] of flags) {
      const placeholder = /\$\{trialParameters\.([\w-]+)\}/.exec(String(value))?.[1];
      if (placeholder === undefined) fixed[flag] = value;
      else nameOf.set(references.get(placeholder) ?? placeholder, flag);
    }
    applyFixed(fixed, apply);
    for (const parameter of trees(spec['parameters'])) {
      const name = String(parameter['name']);
      const space = spaceOf(treeAt(parameter, 'feasibleSpace'));
      if (space === null) draft.leave(name, 'has neither a list nor a smallest and a largest value');
      else vary(nameOf.get(name) ?? name, space, draft, false);
    }
    apply(
      named('the cluster is described in a file of its own: npm start -- --cluster FILE', ['resources of trialSpec']),
      {
        'resources of trialSpec': template['trialSpec'],
      },
    );
  },
};

function spaceOf({ list, min, max, step, distribution }: Tree): Space | null {
  if (Array.isArray(list)) return { values: list.map((value) => numberOf(value) ?? value) };
  const [low, high] = [numberOf(min), numberOf(max)];
  if (low === null || high === null) return null;
  return { low, high, log: /log/i.test(String(distribution ?? '')), step: numberOf(step) };
}

/** Flags of all commands and arguments, however deep: "--key=value", "--key value", and within a shell's line. */
function flagsIn(value: unknown): ReadonlyMap<string, unknown> {
  const words = wordsIn(value, false)
    .flatMap((each) => each.split(/[\s\\]+/))
    .filter((each) => each !== '');
  const flags = new Map<string, unknown>();
  for (const [at, each] of words.entries()) {
    if (!each.startsWith('--')) continue;
    const [flag = '', ...rest] = each.slice(2).split('=');
    const next = words[at + 1];
    if (rest.length > 0) flags.set(flag, rest.join('='));
    else flags.set(flag, next === undefined || next.startsWith('--') ? true : next);
  }
  return flags;
}

function wordsIn(value: unknown, inCommand: boolean): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((each) => wordsIn(each, inCommand));
  if (!isTree(value)) return inCommand ? [String(value)] : [];
  return Object.entries(value).flatMap(([key, each]) => wordsIn(each, key === 'command' || key === 'args'));
}

function treeAt(tree: Tree, key: string): Tree {
  const value = tree[key];
  return isTree(value) ? value : {};
}

function trees(value: unknown): readonly Tree[] {
  return Array.isArray(value) ? value.filter(isTree) : [];
}
