/** Depth, for people and for sorting. */
import { keptLayers } from '../contract/layer-strategies.ts';
import type { LayerChoice, ModelRef } from '../contract/settings.ts';

/** "18 (all)", "12 of 18 (even)", "all" where the model's depth is not known yet. */
export function layersText(choice: LayerChoice, original: number | null): string {
  const kept = keptLayers(choice, original);
  if (choice.strategy === 'all') return kept === null ? 'all' : `${kept} (all)`;
  if (kept === null) return choice.strategy === 'drop-last' ? `without the last ${choice.drop}` : choice.strategy;
  return original === null ? `${kept} (${choice.strategy})` : `${kept} of ${original} (${choice.strategy})`;
}

/** Same depth: the same layers under the same strategy. */
export function layersKey(choice: LayerChoice): string {
  const { strategy, ...values } = choice;
  return [strategy, ...Object.values(values).map(String)].join(' ');
}

export function modelName(model: ModelRef): string {
  if (model.source === 'hf') return model.revision === 'main' ? model.id : `${model.id}@${model.revision}`;
  return model.path.split(/[\\/]/).findLast((part) => part !== '') ?? model.path;
}
