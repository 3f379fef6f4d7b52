/** Depth: how a document names the decoder layers to keep, and how many that leaves. */

import { keptLayers } from '../contract/layer-strategies.ts';
import { type LayerChoice, layerChoice } from '../contract/settings.ts';
import { shorthand } from './input.ts';
import { encodeProblem } from './problems.ts';

/** Input of a depth: 12 (the first 12), "all", or a strategy with its numbers. */
export const depth = shorthand(
  layerChoice.transform((choice, context): LayerChoice => {
    if (choice.strategy !== 'list') return choice;
    const repeated = choice.indices.findIndex((index, place) => choice.indices.indexOf(index) !== place);
    if (repeated >= 0)
      context.issues.push({
        code: 'custom',
        input: choice,
        path: ['indices', repeated],
        message: encodeProblem({ message: `repeats layer ${choice.indices[repeated]}`, fix: 'name each layer once' }),
      });
    return { strategy: 'list', indices: choice.indices.toSorted((a, b) => a - b) };
  }),
  (input) => {
    if (input === 'all') return { strategy: 'all' };
    if (typeof input === 'number') return { strategy: 'first', keep: input };
    return input;
  },
  {
    name: 'a depth',
    fix: 'write all, how many layers to keep, or a strategy such as {strategy: even, keep: 12}',
    accepts: [{ const: 'all' }, { type: 'integer', minimum: 1 }],
  },
);

/** The same layers in the plainest way to say it, so that equal cells are equal: 18 of 18 is `all`. */
export function plainest(choice: LayerChoice, total: number | null): LayerChoice {
  const kept = keptLayers(choice, total);
  if (kept === null) return choice;
  if (kept === total) return { strategy: 'all' };
  if (choice.strategy === 'drop-last') return { strategy: 'first', keep: kept };
  if (choice.strategy === 'list' && choice.indices.at(-1) === kept - 1) return { strategy: 'first', keep: kept };
  return choice;
}

/** Why a model of `total` layers cannot be cut this way; null where it can. */
export function depthProblem(choice: LayerChoice, total: number): string | null {
  if (choice.strategy === 'drop-last' && choice.drop >= total)
    return `drops the last ${choice.drop} layers, but the model has ${total}: none would be left`;
  if (choice.strategy === 'list') {
    const beyond = choice.indices.find((index) => index >= total);
    return beyond === undefined ? null : `keeps layer ${beyond}, but the model's layers are 0 to ${total - 1}`;
  }
  const kept = keptLayers(choice, total) ?? 0;
  return kept > total ? `keeps ${kept} layers, but the model has ${total}` : null;
}
