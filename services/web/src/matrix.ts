/** Lays points of the matrix out as layers × precision, one panel for each value of the other axes. */
import type { LayerChoice, ModelRef } from '@lamina/domain/contract/settings.ts';
import type { Method } from '@lamina/domain/vocabulary/methods.ts';
import type { Precision } from '@lamina/domain/vocabulary/precisions.ts';
import { byPrecisionThenMethod } from './precision.ts';

export interface Coordinates {
  readonly model: string;
  readonly layers: LayerChoice;
  /** Layers kept, where it is known. */
  readonly depth: number | null;
  readonly precision: Precision;
  readonly method: Method;
  readonly parameters: Readonly<Record<string, string | number | boolean | null>>;
}

export interface MatrixColumn {
  readonly key: string;
  readonly precision: Precision;
  readonly method: Method;
}

export interface MatrixRow<T> {
  readonly key: string;
  readonly depth: number | null;
  /** The count of layers, or "all". */
  readonly label: string;
  /** How they were chosen, where that needs saying. */
  readonly detail: string | null;
  /** One entry a column; null where the matrix has no such cell. */
  readonly items: readonly (T | null)[];
}

export interface MatrixPanel<T> {
  readonly key: string;
  /** What sets this panel apart; null where there is only one. */
  readonly title: string | null;
  readonly columns: readonly MatrixColumn[];
  readonly rows: readonly MatrixRow<T>[];
}

export function modelName(model: ModelRef): string {
  if (model.source === 'hf') return model.id;
  return model.path.split('/').findLast((part) => part !== '') ?? model.path;
}

export function layersLabel(choice: LayerChoice, depth: number | null): { label: string; detail: string | null } {
  switch (choice.strategy) {
    case 'all':
      return depth === null ? { label: 'all', detail: null } : { label: String(depth), detail: 'all' };
    case 'drop-last':
      return depth === null
        ? { label: `−${choice.drop}`, detail: 'last dropped' }
        : { label: String(depth), detail: `last ${choice.drop} dropped` };
    case 'list':
      return { label: String(choice.indices.length), detail: `layers ${choice.indices.join(', ')}` };
    default:
      return { label: String(choice.keep), detail: choice.strategy };
  }
}

/** 0–11, 15–17 in place of a long list. */
export function ranges(indices: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const index of indices) {
    const last = runs.at(-1);
    if (last && index === last[1] + 1) last[1] = index;
    else runs.push([index, index]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ');
}

/** Parameters whose value differs between points, in order of first appearance. */
export function varyingParameters(points: readonly Pick<Coordinates, 'parameters'>[]): readonly string[] {
  const names = new Set(points.flatMap((point) => Object.keys(point.parameters)));
  return [...names].filter((name) => new Set(points.map((point) => String(point.parameters[name] ?? null))).size > 1);
}

export function layoutMatrix<T>(items: readonly T[], at: (item: T) => Coordinates): readonly MatrixPanel<T>[] {
  const points = items.map((item) => ({ item, at: at(item) }));
  const manyModels = new Set(points.map((point) => point.at.model)).size > 1;
  const varying = varyingParameters(points.map((point) => point.at));
  const panels = groupBy(points, ({ at: c }) =>
    JSON.stringify([c.model, ...varying.map((name) => c.parameters[name] ?? null)]),
  );
  return [...panels].map(([key, members]) => {
    const first = members[0]?.at;
    const facts = [
      ...(manyModels && first ? [first.model] : []),
      ...varying.map((name) => `${shortName(name)} ${first?.parameters[name] ?? '–'}`),
    ];
    return { key, title: facts.length === 0 ? null : facts.join(' · '), ...panel(members) };
  });
}

function panel<T>(members: readonly { item: T; at: Coordinates }[]): Pick<MatrixPanel<T>, 'columns' | 'rows'> {
  const columns = [...groupBy(members, ({ at: c }) => `${c.precision} ${c.method}`)]
    .map(([key, group]) => ({ key, precision: group[0].at.precision, method: group[0].at.method }))
    .sort(byPrecisionThenMethod);
  const rows = [...groupBy(members, ({ at: c }) => JSON.stringify(c.layers))].map(([key, group]) => {
    const depth = group.find(({ at: c }) => c.depth !== null)?.at.depth ?? null;
    const choice = group[0].at.layers;
    return {
      key,
      depth,
      order: depth ?? (choice.strategy === 'all' ? Number.POSITIVE_INFINITY : Number.MAX_SAFE_INTEGER),
      ...layersLabel(choice, depth),
      items: columns.map(
        (column) =>
          group.find(({ at: c }) => c.precision === column.precision && c.method === column.method)?.item ?? null,
      ),
    };
  });
  rows.sort((a, b) => (a.order === b.order ? 0 : b.order - a.order) || (a.detail ?? '').localeCompare(b.detail ?? ''));
  const plain = hideSharedDetail(rows);
  return { columns, rows: plain.map(({ order: _, ...row }) => row) };
}

/** The way layers were chosen is worth a word only where rows differ in it. */
function hideSharedDetail<R extends { detail: string | null }>(rows: readonly R[]): readonly R[] {
  const ways = new Set(rows.map((row) => row.detail).filter((detail) => detail !== null && detail !== 'all'));
  return ways.size > 1 ? rows : rows.map((row) => (row.detail === 'all' ? row : { ...row, detail: null }));
}

/** training.learningRate → learningRate: the last word tells enough in a title. */
function shortName(path: string): string {
  return path.split('.').at(-1) ?? path;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, [T, ...T[]]> {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
