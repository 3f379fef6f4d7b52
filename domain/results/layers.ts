/** Depth, for people and for sorting. */
import type { LayerChoice, ModelRef } from '../contract/settings.ts';

/** Layers that remain; null where that needs the model's own depth and nobody has measured it yet. */
export function layersKept(choice: LayerChoice, original: number | null): number | null {
  switch (choice.strategy) {
    case 'all':
      return original;
    case 'drop-last':
      return original === null ? null : original - choice.drop;
    case 'list':
      return choice.indices.length;
    default:
      return choice.keep;
  }
}

/** "18 (all)", "12 of 18 (even)", "all" where the model's depth is not known yet. */
export function layersText(choice: LayerChoice, original: number | null): string {
  const kept = layersKept(choice, original);
  if (choice.strategy === 'all') return kept === null ? 'all' : `${kept} (all)`;
  if (kept === null) return choice.strategy === 'drop-last' ? `without the last ${choice.drop}` : choice.strategy;
  return original === null ? `${kept} (${choice.strategy})` : `${kept} of ${original} (${choice.strategy})`;
}

/** Same depth: the same layers under the same strategy. */
export function layersKey(choice: LayerChoice): string {
  return choice.strategy === 'all'
    ? 'all'
    : choice.strategy === 'list'
      ? `list ${choice.indices.join()}`
      : `${choice.strategy} ${choice.strategy === 'drop-last' ? choice.drop : choice.keep}`;
}

export function modelName(model: ModelRef): string {
  if (model.source === 'hf') return model.revision === 'main' ? model.id : `${model.id}@${model.revision}`;
  return model.path.split(/[\\/]/).findLast((part) => part !== '') ?? model.path;
}
