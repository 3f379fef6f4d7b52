/** What the tuner suggests becomes trials. */
import type { AdvanceStudyOutput } from '@lamina/domain/contract/search.ts';
import { objection } from '@lamina/domain/matrix/validity.ts';
import { baseCellOf } from '@lamina/domain/search/studies.ts';
import { suggestedPlan, suggestedTrial } from '@lamina/domain/search/suggested.ts';
import type { Study } from '@lamina/domain/search/types.ts';
import type { AddedSuggestion } from '@lamina/platform/application/ports/search-store.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import { finalError } from '../final-errors.ts';

type Suggester = (
  experimentId: string,
  study: Study,
  suggestions: AdvanceStudyOutput['suggestions'],
) => Promise<readonly AddedSuggestion[]>;

export function createSuggester(store: Pick<ExperimentStore, 'baseTrials' | 'getRunnerFacts'>): Suggester {
  return async (experimentId, study, suggestions) => {
    if (suggestions.length === 0) return [];
    const [bases, runnerFacts] = await Promise.all([
      store.baseTrials(experimentId, study.cellIds),
      store.getRunnerFacts(),
    ]);
    if (runnerFacts === null) throw new Error('no worker has said yet where trials run');
    return suggestions.map(({ number, parameters }): AddedSuggestion => {
      const cellId = baseCellOf(study, parameters);
      const base = bases.get(cellId);
      if (base === undefined)
        throw finalError('UnknownCell', `experiment ${experimentId} has no trial of cell ${cellId}`);
      const trial = suggestedTrial(base.trial, parameters, runnerFacts.trainerRevision);
      const problem = objection(trial.settings, null, runnerFacts);
      if (problem !== null) return { number, parameters, made: { objection: problem.message } };
      return { number, parameters, made: { trial, plan: suggestedPlan(base.plan, trial.settings) } };
    });
  };
}
