import { type SearchView, type SuggestionView, searchQuery, searchView } from '@lamina/domain/contract/search-view.ts';
import { bestOf } from '@lamina/domain/search/best.ts';
import type { StudyRecord, SuggestionRecord } from '@lamina/platform/application/ports/search-store.ts';
import type { ApiDeps } from '../deps.ts';
import type { Api } from '../instance.ts';
import { byId, findExperiment } from './lookups.ts';

export function searchRoutes(app: Api, { store }: ApiDeps): void {
  app.get(
    '/experiments/:id/search',
    {
      schema: {
        summary: 'The search of an experiment: its studies, the best so far, and what was suggested',
        tags: ['experiments'],
        params: byId,
        querystring: searchQuery,
        response: { 200: searchView },
      },
    },
    async ({ params: { id }, query: { limit, cursor, study } }): Promise<SearchView> => {
      const page = await store.listSuggestions(id, {
        limit,
        cursor: cursor ?? null,
        ...(study === undefined ? {} : { studyKey: study }),
      });
      const studies = await store.listStudies(id);
      if (studies.length === 0) await findExperiment(store, id);
      return {
        studies: await Promise.all(
          studies.map(async (record) => studyView(record, await store.suggestionsOf(id, record.study.key))),
        ),
        suggestions: { ...page, items: page.items.map(suggestionView) },
      };
    },
  );
}

function studyView(
  { study, state, message }: StudyRecord,
  records: readonly SuggestionRecord[],
): SearchView['studies'][number] {
  const { key, label, objectives, trials, spec } = study;
  const suggestions = records.map(suggestionView);
  const counts: Partial<Record<SuggestionView['state'], number>> = {};
  for (const one of suggestions) counts[one.state] = (counts[one.state] ?? 0) + 1;
  return {
    key,
    label,
    state,
    message,
    sampler: spec.sampler,
    pruner: spec.pruner?.kind ?? null,
    objectives: [...objectives],
    directions: [...spec.directions],
    parameters: { ...spec.parameters },
    trials,
    counts,
    best: [...bestOf(suggestions, spec.directions)],
  };
}

function suggestionView(record: SuggestionRecord): SuggestionView {
  const { studyKey, number, parameters, trialId, trialState, end } = record;
  return {
    studyKey,
    number,
    parameters: { ...parameters },
    trialId,
    state: end?.state ?? (trialState === 'pending' ? 'waiting' : 'running'),
    values: end?.values == null ? null : [...end.values],
    message: end?.message ?? null,
  };
}
