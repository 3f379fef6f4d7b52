/** What people call a cell: only what tells it apart from its siblings. */

import { depthLabel } from '../contract/layer-strategies.ts';
import type { ModelRef } from '../contract/settings.ts';
import { SETTING_PATHS } from '../spec/axes.ts';
import { canonical } from '../vocabulary/canonical.ts';
import type { Cell, Scalar } from './types.ts';

export type Unlabelled = Omit<Cell, 'id' | 'label'>;

const SEPARATOR = ' · ';

/** A label for each cell, in order: "12 layers · nf4-dq · qlora". What all of them share is left out. */
export function labels(cells: readonly Unlabelled[]): readonly string[] {
  const modelName = modelNames(cells.map((cell) => cell.model));
  const parts: readonly ((cell: Unlabelled) => string | null)[] = [
    (cell) => modelName(cell.model),
    (cell) => depthLabel(cell.layers),
    (cell) => cell.precision,
    (cell) => cell.method,
    ...SETTING_PATHS.map((path) => (cell: Unlabelled) => settingLabel(path, cell.parameters[path])),
  ];
  const varying = parts.filter((part) => new Set(cells.map(part)).size > 1);
  const shown = varying.length > 0 ? varying : parts.slice(1, 4);
  return cells.map((cell) =>
    shown
      .map((part) => part(cell))
      .filter((text) => text !== null)
      .join(SEPARATOR),
  );
}

/** "learningRate 0.0002"; the whole path where its last word says too little. */
export function settingLabel(path: string, value: Scalar | undefined): string | null {
  if (value === undefined) return null;
  const word = path.slice(path.indexOf('.') + 1);
  const unique = SETTING_PATHS.filter((other) => other.endsWith(`.${word}`)).length === 1;
  return `${unique ? word : path} ${value}`;
}

/** Models by their last name; by the whole name where that would make two of them look the same. */
function modelNames(models: readonly ModelRef[]): (model: ModelRef) => string {
  const distinct = [...new Map(models.map((model) => [canonical(model), model])).values()];
  const shortest = [shortName, fullName].find((name) => new Set(distinct.map(name)).size === distinct.length);
  return shortest ?? ((model) => `${fullName(model)} (${model.source})`);
}

function fullName(model: ModelRef): string {
  if (model.source !== 'hf') return model.path;
  return model.revision === 'main' ? model.id : `${model.id}@${model.revision}`;
}

/** The last part of its name. */
export function shortName(model: ModelRef): string {
  const name = model.source === 'hf' ? model.id : model.path.replace(/\/+$/, '');
  return name.slice(name.lastIndexOf('/') + 1).replace(/\.gguf$/i, '');
}
