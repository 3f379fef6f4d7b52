/** What activities give up at once, and what they try again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Study } from '@lamina/domain/search/types.ts';
import { UnknownExperiment } from '@lamina/platform/application/ports/errors.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import type { Answer } from '@lamina/workflows/search-activities.ts';
import { ApplicationFailure } from '@temporalio/common';
import { isFinal, typed } from './final-errors.ts';
import { createSearchActivities } from './search/activities.ts';
import type { SearchEngine } from './search/engine.ts';

const STUDY: Study = {
  key: 's',
  label: 's',
  cellIds: ['c'],
  spec: {
    name: 'e/s',
    sampler: 'random',
    seed: 1,
    directions: ['minimize'],
    parameters: { 'training.learningRate': { kind: 'float', low: 1e-5, high: 1e-1, log: true, step: null } },
    pruner: null,
  },
  objectives: ['loss'],
  trials: 1,
  parallel: 1,
};
const RUNNER_FACTS = { runner: 'instant', trainerRevision: 'r1', device: null, mounts: null };

function activities(more: Partial<ExperimentStore> = {}) {
  const store: Partial<ExperimentStore> = {
    getExperiment: async () => null,
    listStudies: async () => [{ study: STUDY, state: 'open', message: null }],
    suggestionsOf: async () => [],
    baseTrials: async () => new Map(),
    getRunnerFacts: async () => RUNNER_FACTS,
    ...more,
  };
  return createSearchActivities({ store: store as ExperimentStore, engine: {} as SearchEngine });
}

const input = { study: STUDY.spec, told: [], reports: [], asked: [0] };
const suggestion = { number: 0, parameters: { 'training.learningRate': 0.01 } };
const output = { suggestions: [suggestion], prune: [], finished: { complete: 0, pruned: 0, failed: 0 } };
const apply = (answer: object, more: Partial<ExperimentStore> = {}) =>
  activities(more).applySearch({
    experimentId: 'e',
    answers: [{ studyKey: 's', input, ...answer } as unknown as Answer],
  });

function final(type: string) {
  return (error: unknown) => {
    assert.ok(error instanceof ApplicationFailure, String(error));
    assert.deepEqual([error.type, error.nonRetryable], [type, true]);
    return true;
  };
}

test('a search gives up what the store does not have, and an answer of the tuner that is none', async () => {
  await assert.rejects(activities().searchStep('e'), final('UnknownExperiment'));
  await assert.rejects(apply({ studyKey: 'another', output: {} }), final('UnknownStudy'));
  await assert.rejects(apply({ output: { suggestions: 'many' } }), final('MalformedInput'));
  await assert.rejects(apply({ output }), final('UnknownCell'));
});

test('what a worker that starts later heals is tried again', async () => {
  await assert.rejects(apply({ output }, { getRunnerFacts: async () => null }), (error) => !isFinal(error));
});

test('an experiment that the store does not know is final, wherever that is found; other errors stay what they are', () => {
  final('UnknownExperiment')(typed(new UnknownExperiment('there is no experiment e')));
  const mistake = new TypeError('undefined is not a function');
  assert.equal(typed(mistake), mistake);
  assert.equal(isFinal(mistake), false);
});
