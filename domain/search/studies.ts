/** From a document to its studies: one per cell, or one that also chooses the cell. */
import type { StudySpec } from '../contract/search.ts';
import type { Expansion, PlannedTrial } from '../matrix/types.ts';
import type { ExperimentDocument } from '../spec/document.ts';
import { countValues, DIRECTIONS, extremes, isSettingPath, rangeOf, type SearchSection } from '../spec/search.ts';
import { canonical } from '../vocabulary/canonical.ts';
import { hasAdapters } from '../vocabulary/methods.ts';
import { sha256 } from '../vocabulary/sha256.ts';
import { CELL_PARAMETER, type ParameterValues, type Study } from './types.ts';

type Searching = Pick<ExperimentDocument, 'search' | 'objective'>;

/**
 * The studies of an experiment, in the order of its cells; none where the document asks for no search. A cell that has
 * none of the searched settings (adapter settings without adapters) has no study.
 */
export function studiesOf(
  document: Searching,
  { trials }: Pick<Expansion, 'trials'>,
  experimentId: string,
): readonly Study[] {
  const { search } = document;
  if (search === null) return [];
  const objectives = search.objectives ?? [document.objective.metric];
  const study = (key: string, label: string, bases: readonly PlannedTrial[]): readonly Study[] => {
    const parameters = parametersOf(search, bases);
    if (bases.length === 0 || Object.keys(parameters).length === 0) return [];
    const spec: StudySpec = {
      name: `${experimentId}/${key}`,
      sampler: search.sampler,
      seed: search.seed,
      directions: objectives.map((objective) => DIRECTIONS[objective]),
      parameters,
      pruner: search.pruner === null ? null : { ...search.pruner, maxSteps: mostSteps(search, bases) },
    };
    const cellIds = bases.map(({ cell }) => cell.id);
    const possible = Object.values(parameters).reduce((count, range) => count * countValues(range), 1);
    const count = search.sampler === 'grid' ? Math.min(search.trials, possible) : search.trials;
    return [{ key, label, cellIds, spec, objectives, trials: count, parallel: search.parallel }];
  };
  const bases = basesOf(trials);
  if (search.per === 'cell') return bases.flatMap((base) => study(base.cell.id, base.cell.label, [base]));
  return study(matrixKey(bases), 'whole matrix', bases);
}

/** The cell that a suggestion sets the parameters of; suggestions start from its trial with the first seed. */
export function baseCellOf({ cellIds }: Pick<Study, 'cellIds'>, parameters: ParameterValues): string {
  const chosen = parameters[CELL_PARAMETER] ?? cellIds[0];
  if (typeof chosen !== 'string' || !cellIds.includes(chosen))
    throw new Error(`a suggestion chooses cell ${chosen}, which its study does not have`);
  return chosen;
}

/** The first trial of each cell: trials come seed by seed. */
function basesOf(trials: readonly PlannedTrial[]): readonly PlannedTrial[] {
  const byCell = new Map<string, PlannedTrial>();
  for (const trial of trials) if (!byCell.has(trial.cell.id)) byCell.set(trial.cell.id, trial);
  return [...byCell.values()];
}

/** Cells that are added later make another study: the choices of a parameter cannot change. */
function matrixKey(bases: readonly PlannedTrial[]): string {
  return `matrix-${sha256(canonical(bases.map(({ cell }) => cell.id))).slice(0, 16)}`;
}

function parametersOf(search: SearchSection, bases: readonly PlannedTrial[]): StudySpec['parameters'] {
  const adapters = bases.some(({ settings }) => hasAdapters(settings.method));
  const ranges = Object.fromEntries(
    Object.entries(search.parameters).flatMap(([path, searched]) =>
      isSettingPath(path) && (adapters || !path.startsWith('lora.')) ? [[path, rangeOf(path, searched)]] : [],
    ),
  );
  if (search.per === 'cell') return ranges;
  return { [CELL_PARAMETER]: { kind: 'categorical', choices: bases.map(({ cell }) => cell.id) }, ...ranges };
}

function mostSteps(search: SearchSection, bases: readonly PlannedTrial[]): number {
  const searched = search.parameters['training.steps'];
  const steps = searched === undefined ? bases.map(({ settings }) => settings.training.steps) : extremes(searched);
  return Math.max(...steps.filter((value) => typeof value === 'number'));
}
