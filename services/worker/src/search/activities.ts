/** The search workflow's activities. What they keep, they keep once. */
import { type AdvanceStudyOutput, advanceStudyOutput } from '@lamina/domain/contract/search.ts';
import { advance, answered } from '@lamina/domain/search/advance.ts';
import { endOf } from '@lamina/domain/search/end.ts';
import type { Observation, Study, Suggestion } from '@lamina/domain/search/types.ts';
import { parseStored } from '@lamina/domain/spec/parse.ts';
import { hasEnded } from '@lamina/domain/vocabulary/states.ts';
import type { ExperimentRecord, ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import type { Question, SearchActivities } from '@lamina/workflows/search-activities.ts';
import { z } from 'zod';
import { finalError } from '../final-errors.ts';
import type { SearchEngine } from './engine.ts';
import { createSuggester } from './suggest.ts';

/** Where a pruner looks at trials on the way. */
const LOOK_MS = 2000;
/** Ends of trials are told; this is for news that were lost. */
const LOOK_SELDOM_MS = 30_000;
const ENDED = { over: true, questions: [], lookAgainMs: LOOK_SELDOM_MS };

export interface SearchDependencies {
  readonly store: ExperimentStore;
  readonly engine: SearchEngine;
}

export function createSearchActivities({ store, engine }: SearchDependencies): SearchActivities {
  const suggest = createSuggester(store);

  async function observations(experiment: ExperimentRecord, study: Study, suggestions: readonly Suggestion[]) {
    const wanted = suggestions.flatMap(({ trialId, end, reportedStep }) =>
      trialId === null || end !== null
        ? []
        : [{ trialId, lossesAfter: study.spec.pruner === null ? null : reportedStep }],
    );
    const price = priceOf(experiment);
    return (await store.observeTrials(experiment.id, wanted)).map(({ trialId, losses, ...seen }): Observation => {
      return { trialId, losses, end: endOf(seen, study.objectives, price) };
    });
  }

  return {
    async searchStep(experimentId) {
      const experiment = await existing(store, experimentId);
      if (experiment.state === 'cancelling' || hasEnded(experiment.state)) return ENDED;
      const open = (await store.listStudies(experimentId)).filter(({ state }) => state === 'open');
      const asking = experiment.state !== 'paused';
      const questions: Question[] = [];
      const through: string[] = [];
      let looking = false;
      for (const { study } of open) {
        const known = await store.suggestionsOf(experimentId, study.key);
        const step = advance(study, known, await observations(experiment, study, known), { asking });
        const { suggestions, told, reports, asked, prune, done } = step;
        const ended = suggestions.filter(({ end }, index) => end !== null && known[index]?.end === null);
        if (ended.length > 0) await store.recordProgress(experimentId, study.key, { suggestions: ended, added: [] });
        if (prune.length > 0) await engine.pruneTrials(experimentId, prune);
        if (told.length + reports.length + asked.length > 0) {
          questions.push({ studyKey: study.key, input: { study: study.spec, told, reports, asked } });
        }
        looking ||= study.spec.pruner !== null && suggestions.some(({ end }) => end === null);
        if (done && asking) through.push(study.key);
      }
      await store.closeStudies(experimentId, through);
      if (through.length === open.length) {
        await engine.wakeRun(experimentId);
        return ENDED;
      }
      return { over: false, questions, lookAgainMs: looking ? LOOK_MS : LOOK_SELDOM_MS };
    },

    async applySearch({ experimentId, answers }) {
      const studies = new Map((await store.listStudies(experimentId)).map((one) => [one.study.key, one.study]));
      let again = false;
      for (const answer of answers) {
        const { studyKey, input } = answer;
        const study = studies.get(studyKey);
        if (study === undefined)
          throw finalError('UnknownStudy', `experiment ${experimentId} has no study ${studyKey}`);
        if ('failure' in answer) {
          await store.closeStudies(experimentId, [studyKey], answer.failure);
          again = true;
          continue;
        }
        const output = outputOf(studyKey, answer.output);
        const touched = new Set([...input.told, ...input.reports].map(({ number }) => number));
        const known = (await store.suggestionsOf(experimentId, studyKey)).filter(({ number }) => touched.has(number));
        const suggestions = answered({ ...input, suggestions: known }, output);
        const added = await suggest(experimentId, study, output.suggestions);
        const pending = await store.recordProgress(experimentId, studyKey, { suggestions, added });
        // A trial that has ended already sends no further news.
        again ||= pending < added.length || output.prune.length > 0;
      }
      const suggested = answers.some((answer) => 'output' in answer && answer.output.suggestions.length > 0);
      if (suggested) await engine.wakeRun(experimentId);
      return { again };
    },
  };
}

async function existing(store: ExperimentStore, experimentId: string): Promise<ExperimentRecord> {
  const experiment = await store.getExperiment(experimentId);
  if (experiment === null) throw finalError('UnknownExperiment', `experiment ${experimentId} is not in the store`);
  return experiment;
}

function outputOf(studyKey: string, answer: unknown): AdvanceStudyOutput {
  const { success, data, error } = advanceStudyOutput.safeParse(answer);
  if (success) return data;
  throw finalError(
    'MalformedInput',
    `the tuner's answer for study ${studyKey} is not valid: ${z.prettifyError(error)}`,
  );
}

function priceOf({ document }: ExperimentRecord): number | null {
  const parsed = parseStored(document as object);
  return parsed.ok ? parsed.document.resources.pricePerHour : null;
}
