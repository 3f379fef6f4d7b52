/** The models and the dataset that a document names, and the same document with them resolved. */
import type { ModelRef } from '../contract/settings.ts';
import { canonical } from '../vocabulary/canonical.ts';
import type { Condition, PartialCell, PartialMatrix } from './axes.ts';
import type { ExperimentDocument } from './document.ts';
import type { DocumentDataset } from './generated.ts';

export interface References {
  /** Every model once. */
  readonly models: readonly ModelRef[];
  readonly dataset: DocumentDataset;
}

export interface ResolvedReferences {
  /** By the reference that `references` gave, or a function of it. Models that are not in the map stay as they are. */
  readonly models: ReadonlyMap<ModelRef, ModelRef> | ((model: ModelRef) => ModelRef);
  readonly dataset: DocumentDataset;
}

export function references(document: ExperimentDocument): References {
  const { matrix, baseline } = document;
  const named = [
    document.model,
    ...(matrix.model ?? []),
    ...matrix.include.flatMap((entry) => entry.model ?? []),
    baseline.model,
  ].filter((model) => model !== null && model !== undefined);
  const distinct = new Map(named.map((model) => [canonical(model), model]));
  return { models: [...distinct.values()], dataset: document.dataset };
}

/** The document with paths made absolute and fingerprints filled in. */
export function withReferences(document: ExperimentDocument, resolved: ResolvedReferences): ExperimentDocument {
  const { models } = resolved;
  const known = typeof models === 'function' ? null : new Map([...models].map(([from, to]) => [canonical(from), to]));
  const resolve = (model: ModelRef): ModelRef =>
    typeof models === 'function' ? models(model) : (known?.get(canonical(model)) ?? model);
  const inList = (axes: PartialMatrix): PartialMatrix =>
    axes.model === undefined ? axes : { ...axes, model: axes.model.map(resolve) };
  const inCell = (cell: PartialCell): PartialCell =>
    cell.model === undefined ? cell : { ...cell, model: resolve(cell.model) };
  return {
    ...document,
    model: document.model === null ? null : resolve(document.model),
    dataset: resolved.dataset,
    matrix: {
      ...document.matrix,
      ...(document.matrix.model === undefined ? {} : { model: document.matrix.model.map(resolve) }),
      include: document.matrix.include.map(inList),
      exclude: document.matrix.exclude.map((matcher) => ({
        ...matcher,
        ...(matcher.model === undefined
          ? {}
          : { model: matcher.model.map((wanted) => resolveCondition(wanted, resolve)) }),
      })),
    },
    baseline: inCell(document.baseline),
  };
}

function resolveCondition(condition: Condition, resolve: (model: ModelRef) => ModelRef): Condition {
  return typeof condition === 'object' && condition !== null && 'source' in condition ? resolve(condition) : condition;
}
