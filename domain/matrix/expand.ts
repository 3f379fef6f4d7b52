/** From a document to its trials: every combination judged, named, identified and counted once. */

import { keptLayers } from '../contract/layer-strategies.ts';
import type { LayerChoice } from '../contract/settings.ts';
import type { Plan } from '../contract/trial.ts';
import { type AxisName, type AxisValue, type Matcher, type PartialCell, SETTING_PATHS } from '../spec/axes.ts';
import { type Candidate, type Choice, candidates } from '../spec/combinations.ts';
import { compile, type Test } from '../spec/conditions.ts';
import type { ExperimentDocument } from '../spec/document.ts';
import { plainest } from '../spec/layers.ts';
import { canonical } from '../vocabulary/canonical.ts';
import type { ExpansionContext } from './context.ts';
import { type CellSettings, cellId, trialId } from './identity.ts';
import { labels } from './label.ts';
import { placeCell } from './placement.ts';
import { cellSettings, storedAs } from './settings.ts';
import type { Cell, DroppedCell, Expansion, PlannedTrial, Scalar } from './types.ts';
import { objection } from './validity.ts';

/** A combination with everything that follows from it. */
interface Resolved extends Candidate {
  readonly settings: CellSettings;
  readonly total: number | null;
  readonly parameters: Readonly<Record<string, Scalar>>;
}

interface Kept {
  readonly cell: Cell;
  readonly candidate: Resolved;
  readonly plan: Plan;
  readonly seeds: Set<number>;
}

/**
 * Expands a document. Trials come seed by seed, so that a comparison of all cells exists as early as possible;
 * the order depends on the document's values, not on the order of its keys.
 */
export function expandMatrix(document: ExperimentDocument, context: ExpansionContext): Expansion {
  const resolved = candidates(document).map((candidate) => resolve(document, candidate, context));
  const names = labels(resolved.map(({ settings, parameters }) => ({ ...settings, parameters })));
  const excludes = document.matrix.exclude.map(compiled);

  const dropped: DroppedCell[] = [];
  const cells = new Map<string, Kept>();
  for (const [index, candidate] of resolved.entries()) {
    const label = names[index] ?? '';
    const left = candidate.included
      ? candidate.seeds
      : candidate.seeds.filter((seed) => !excludes.some((matches) => matches(candidate, seed)));
    const excluded = candidate.seeds.filter((seed) => !left.includes(seed));
    if (excluded.length > 0) dropped.push(exclusion(label, left.length === 0 ? [] : excluded));
    if (left.length === 0) continue;
    const problem = objection(candidate.settings, candidate.total, context);
    if (problem !== null) {
      dropped.push({ label, ...problem });
      continue;
    }
    const id = cellId(candidate.settings);
    const known = cells.get(id);
    if (known === undefined) {
      const placement = placeCell(candidate.settings, document, context.gpus);
      if ('objection' in placement) dropped.push({ label, ...placement.objection });
      else cells.set(id, { cell: cellOf(id, label, candidate), candidate, plan: placement.plan, seeds: new Set(left) });
    } else if (left.every((seed) => known.seeds.has(seed))) {
      dropped.push({
        label,
        reason: 'duplicate',
        message: `is the same as another cell of this matrix: ${asWritten(candidate)}`,
      });
    } else for (const seed of left) known.seeds.add(seed);
  }

  const kept = [...cells.values()];
  return {
    cells: kept.map(({ cell }) => cell),
    trials: trialsOf(kept, context.trainerRevision),
    plans: Object.fromEntries(kept.map(({ cell, plan }) => [cell.id, plan])),
    dropped,
    baselineCellId: kept.find(({ candidate }) => isBaseline(document, candidate))?.cell.id ?? null,
  };
}

function resolve(document: ExperimentDocument, candidate: Candidate, context: ExpansionContext): Resolved {
  const settings = cellSettings(document, candidate.choice, context);
  return {
    ...candidate,
    settings,
    total: context.layersOf(settings.model),
    parameters: parametersOf(candidate.choice),
  };
}

/** Double quantization is part of the precision's name already. */
function parametersOf(choice: Choice): Readonly<Record<string, Scalar>> {
  return Object.fromEntries(
    SETTING_PATHS.flatMap((path) => {
      const value = choice[path];
      if (value === undefined || path === 'quantization.doubleQuant') return [];
      return [[path, Array.isArray(value) ? value.join('+') : (value as Scalar)]];
    }),
  );
}

function cellOf(id: string, label: string, { settings, parameters }: Resolved): Cell {
  const { model, layers, precision, method } = settings;
  return { id, label, model, layers, precision, method, parameters };
}

function trialsOf(kept: readonly Kept[], trainerRevision: string): readonly PlannedTrial[] {
  const seeds = [...new Set(kept.flatMap((entry) => [...entry.seeds]))];
  return seeds.flatMap((seed) =>
    kept
      .filter((entry) => entry.seeds.has(seed))
      .map(({ cell, candidate }) => {
        const settings = { ...candidate.settings, seed };
        return { id: trialId(settings, trainerRevision), cell, settings };
      }),
  );
}

function exclusion(label: string, seeds: readonly number[]): DroppedCell {
  const part = seeds.length === 0 ? '' : ` · seed ${seeds.join(', ')}`;
  return { label: `${label}${part}`, reason: 'excluded', message: 'left out by matrix.exclude' };
}

function asWritten({ choice }: Resolved): string {
  return canonical(Object.fromEntries(Object.entries(choice).filter(([name]) => name !== 'model')));
}

/** All conditions must hold, each by one of its alternatives. */
function compiled(matcher: Matcher): (candidate: Resolved, seed: number) => boolean {
  const conditions = Object.entries(matcher).map(([name, alternatives]) => {
    const axis = name as AxisName;
    const tests = (alternatives ?? []).flatMap((condition): Test[] => {
      const test = compile(axis, condition, []);
      return 'value' in test ? [test.value] : [];
    });
    return { axis, tests };
  });
  return (candidate, seed) =>
    conditions.every(({ axis, tests }) =>
      valuesOf(candidate, axis, seed).some((value) =>
        tests.some((test) => test({ value, kept: keptLayers(candidate.settings.layers, candidate.total) })),
      ),
    );
}

/** A cell's value on an axis, as written and as understood (nf4 may have become nf4-dq, 18 of 18 layers all). */
function valuesOf({ choice, settings }: Resolved, axis: AxisName, seed: number): readonly AxisValue[] {
  switch (axis) {
    case 'seed':
      return [seed];
    case 'model':
      return [settings.model];
    case 'layers':
      return [choice.layers, settings.layers].filter((value) => value !== undefined);
    case 'precision':
      return [choice.precision, settings.precision].filter((value) => value !== undefined);
    case 'method':
      return [settings.method];
    case 'quantization.computeDtype':
      return [settings.computeDtype];
    default: {
      const value = choice[axis] ?? settingAt(settings, axis);
      return value === undefined ? [] : [value];
    }
  }
}

function settingAt(settings: CellSettings, axis: string): AxisValue | undefined {
  const [section, key] = axis.split('.') as ['training' | 'lora' | 'evaluation', string];
  return (settings[section] as Readonly<Record<string, AxisValue>> | null | undefined)?.[key];
}

function isBaseline(document: ExperimentDocument, candidate: Resolved): boolean {
  return Object.entries(document.baseline as PartialCell).every(([name, wanted]) => {
    if (wanted === undefined || name === 'seed') return true;
    const meant = understood(document, candidate, name as AxisName, wanted);
    return valuesOf(candidate, name as AxisName, 0).some((value) => canonical(value) === canonical(meant));
  });
}

function understood(document: ExperimentDocument, candidate: Resolved, axis: AxisName, value: AxisValue): AxisValue {
  if (axis === 'layers') return plainest(value as LayerChoice, candidate.total);
  if (axis === 'precision') return storedAs(value as never, document.quantization.doubleQuant);
  return value;
}
