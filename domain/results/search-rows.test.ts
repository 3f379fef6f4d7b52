import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SearchedStudy, SearchedSuggestion } from '../search/types.ts';
import type { SearchObjective } from '../spec/search.ts';
import { compareTrials } from './compare.ts';
import type { ComparedTrial } from './input.ts';
import { toCsv } from './render-csv.ts';
import { toMarkdown } from './render-markdown.ts';
import { inputOf, type TrialOptions, trialOf } from './testing/trials.ts';

const HOUR = 3600;
const base: TrialOptions = { seed: 1, loss: 3, totalSeconds: HOUR };
const baseTrial = trialOf(base);

function suggested(number: number, rate: number, options: TrialOptions = {}, spent?: ComparedTrial['spent']) {
  const trial = trialOf({ ...base, parameters: { 'training.learningRate': rate }, ...options });
  return { number, rate, trial: spent === undefined ? trial : { ...trial, spent } };
}

/** A study of the base cell whose suggestions ended as their trials did. */
function studyOf(
  suggestions: readonly ReturnType<typeof suggested>[],
  more: { objectives?: readonly SearchObjective[]; cellIds?: readonly string[]; pruned?: boolean } = {},
): SearchedStudy {
  const { objectives = ['loss'], cellIds = [baseTrial.trial.cell.id] } = more;
  return {
    study: {
      key: 'study-1',
      label: 'all layers · bf16 · lora',
      cellIds,
      spec: {
        name: 'experiment-1/study-1',
        sampler: 'tpe',
        seed: 0,
        directions: objectives.map((objective) => (objective === 'accuracy' ? 'maximize' : 'minimize')),
        parameters: { 'training.learningRate': { kind: 'float', low: 1e-5, high: 1e-1, log: true, step: null } },
        pruner: { kind: 'median', every: 5, warmupSteps: 0, startupTrials: 1, reductionFactor: 3, maxSteps: 12 },
      },
      objectives,
      trials: suggestions.length,
      parallel: 1,
    },
    suggestions: suggestions.map(({ number, rate, trial }): SearchedSuggestion => {
      const loss = trial.result?.trained?.loss;
      const end =
        loss !== undefined
          ? { state: 'complete' as const, values: [loss], message: null }
          : {
              state: trial.state === 'failed' ? ('failed' as const) : ('pruned' as const),
              values: null,
              message: null,
            };
      const open = trial.state === 'running' || trial.state === 'pending';
      return {
        number,
        parameters: { 'training.learningRate': rate },
        trialId: trial.trial.id,
        own: true,
        end: open ? null : end,
      };
    }),
  };
}

/** Plain cells: the base with two seeds, another depth, another precision. */
const PLAIN: readonly ComparedTrial[] = [
  baseTrial,
  trialOf({ ...base, seed: 2, loss: 3.1 }),
  trialOf({ ...base, layers: { strategy: 'first', keep: 12 }, loss: 2.9, totalSeconds: HOUR / 2 }),
  trialOf({ ...base, layers: { strategy: 'first', keep: 6 }, loss: 2.6, totalSeconds: HOUR / 2 }),
  trialOf({ ...base, precision: 'nf4', loss: 3.05, totalSeconds: 2 * HOUR }),
  trialOf({ ...base, layers: { strategy: 'first', keep: 6 }, precision: 'nf4', loss: 2.5, totalSeconds: 4 * HOUR }),
];

const SUGGESTIONS = [
  suggested(0, 1e-4, { loss: 2.8 }),
  suggested(1, 1e-2, { loss: null, state: 'diverged', totalSeconds: HOUR / 2 }),
  suggested(2, 2e-4, { state: 'pruned' }, { seconds: HOUR / 4, steps: 3 }),
  suggested(3, 3e-4, { loss: 2.7, trainSeconds: 1000 }),
  suggested(4, 4e-4, { state: 'failed' }, { seconds: HOUR / 4, steps: null }),
  suggested(5, 5e-4, { state: 'running' }, { seconds: 5, steps: 1 }),
];

function comparison(plain = PLAIN, suggestions = SUGGESTIONS, study = studyOf(suggestions)) {
  return compareTrials(inputOf([...plain, ...suggestions.map(({ trial }) => trial)], { search: [study] }));
}

function close(actual: number | null | undefined, expected: number): void {
  assert.ok(typeof actual === 'number' && Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);
}

test('a study has its best, what it took, and what it gained over its base in the same seed', () => {
  const { studies } = comparison().search;
  const [row] = studies;
  assert.ok(row !== undefined && studies.length === 1);
  const { suggestions, complete, pruned, diverged, failed } = row;
  assert.deepEqual(
    { suggestions, complete, pruned, diverged, failed },
    {
      suggestions: 6,
      complete: 2,
      pruned: 1,
      diverged: 1,
      failed: 1,
    },
  );
  assert.deepEqual([row.base, row.best, row.bestParameters, row.hoursOf], [3, 2.7, 'learningRate 0.0003', 'machine']);
  // 1 + 0.5 + 0.25 + 1 + 0.25; the one that runs does not count yet.
  close(row.hours, 3);
  close(row.gain.mean, 0.3);
  close(row.gainPerHour, 0.1);
  assert.deepEqual(
    row.curve.map(({ number, hours, best }) => [number, hours, best]),
    [
      [0, 1, 2.8],
      [3, 2.75, 2.7],
    ],
  );
  // 9 of 12 steps were not done; a step took 1000 s / 10.
  close(row.savedHours, (9 * 100) / HOUR);
});

test('the interval of a gain comes from how much the seeds of plain cells vary', () => {
  const [row] = comparison().search.studies;
  // One pair of seeds, 3 and 3.1: s² = 0.005, one degree of freedom, t = 12.706; s · √2 = 0.1.
  close(row?.gain.low, 0.3 - 12.706_204_736_432_1 * 0.1);
  close(row?.gain.high, 0.3 + 12.706_204_736_432_1 * 0.1);
  const single = comparison(PLAIN.filter(({ trial }) => trial.settings.seed === 1)).search.studies[0];
  close(single?.gain.mean, 0.3);
  assert.deepEqual([single?.gain.low, single?.gain.high], [null, null]);
});

test('searching is held against switching at the hours that both have spent', () => {
  const { switching } = comparison().search;
  assert.deepEqual(
    switching.map((row) => [row.switching, row.hours, row.cells, row.suggestions, row.switchedTo]),
    [
      // Both depths take an hour, in which there was one suggestion.
      ['depth', 1, 2, 1, '6 layers · bf16 · lora'],
      ['precision', 2, 1, 3, 'all layers · nf4 · qlora'],
      // 3 hours of suggestions; nf4 at all layers comes first, then 12 and 6 layers.
      ['anything', 3, 3, 5, '6 layers · bf16 · lora'],
    ],
  );
  const [depth, precision, anything] = switching;
  close(depth?.searchGain.mean, 0.2);
  close(depth?.switchGain.mean, 0.4);
  close(depth?.difference.mean, -0.2);
  close(precision?.searchGain.mean, 0.2);
  close(precision?.switchGain.mean, -0.05);
  close(anything?.searchGain.mean, 0.3);
  close(anything?.switchGain.mean, 0.4);
});

test('cells scored on other tokens are no alternative', () => {
  const other = trialOf({
    ...base,
    layers: { strategy: 'first', keep: 3 },
    loss: 1,
    environment: { evaluationFingerprint: 'others' },
  });
  const { switching } = comparison([baseTrial, other]).search;
  assert.deepEqual(switching, []);
});

test('a suggestion that equals a plain trial takes no hours, and that trial stays a cell of the matrix', () => {
  const study = studyOf([suggested(0, 2e-4)]);
  const plain = {
    ...study,
    suggestions: [{ ...(study.suggestions[0] as SearchedSuggestion), trialId: baseTrial.trial.id, own: false }],
  };
  const { rows, search } = comparison(PLAIN, [], plain);
  assert.ok(rows.every(({ suggestedBy }) => suggestedBy === null));
  assert.deepEqual([search.studies[0]?.hours, search.studies[0]?.gain.mean], [0, 0]);
});

test('hours count once for each GPU', () => {
  const onGpus = (trial: ComparedTrial): ComparedTrial => ({
    ...trial,
    trial: { ...trial.trial, settings: { ...trial.trial.settings, gpus: 2 } },
  });
  const suggestions = SUGGESTIONS.map((one) => ({ ...one, trial: onGpus(one.trial) }));
  const { studies, switching } = comparison(PLAIN.map(onGpus), suggestions).search;
  assert.deepEqual([studies[0]?.hoursOf, studies[0]?.hours], ['GPU', 6]);
  close(studies[0]?.savedHours, (2 * 9 * 100) / HOUR);
  assert.deepEqual(
    switching.map(({ hours }) => hours),
    [2, 4, 6],
  );
});

test('a study over the matrix is held against the baseline, wherever its suggestions are', () => {
  const [, , , , nf4] = PLAIN;
  assert.ok(nf4 !== undefined);
  const cellIds = [nf4.trial.cell.id, baseTrial.trial.cell.id];
  const deep = suggested(0, 1e-4, { layers: { strategy: 'first', keep: 6 }, loss: 2.4 });
  const study = studyOf([deep], { cellIds });
  const [row] = comparison(PLAIN, [deep], study).search.studies;
  assert.equal(row?.baseCellId, baseTrial.trial.cell.id);
  close(row?.gain.mean, 0.6);
});

test('two suggestions of one trial take its hours once', () => {
  const [first] = SUGGESTIONS;
  assert.ok(first !== undefined);
  const { trial } = first;
  const both = studyOf([first, { ...first, number: 1 }]);
  const { search } = compareTrials(inputOf([...PLAIN, trial], { search: [both] }));
  assert.deepEqual([search.studies[0]?.complete, search.studies[0]?.hours], [2, 1]);
});

test('hours that are not known leave what depends on them empty', () => {
  const unknown = [...SUGGESTIONS.slice(0, 2), suggested(2, 2e-4, { state: 'pruned' })];
  const { studies, switching } = comparison(PLAIN, unknown).search;
  const [row] = studies;
  assert.deepEqual([row?.hours, row?.gainPerHour, row?.savedHours, row?.curve], [null, null, null, []]);
  close(row?.gain.mean, 0.2);
  assert.deepEqual(switching, []);
});

test('a taken over measurement counts what it took', () => {
  const reused = [
    suggested(0, 1e-4, { loss: 2.8, state: 'reused', totalSeconds: 2 * HOUR }, { seconds: 0, steps: null }),
  ];
  assert.equal(comparison(PLAIN, reused).search.studies[0]?.hours, 2);
});

test('more is better where the objective says so', () => {
  const worse = suggested(0, 1e-4);
  const study = studyOf([worse], { objectives: ['accuracy'] });
  const end = { state: 'complete', values: [0.3], message: null } as const;
  const accuracy = { ...study, suggestions: study.suggestions.map((one) => ({ ...one, end })) };
  const [row] = comparison(PLAIN, [worse], accuracy).search.studies;
  assert.equal(row?.better, 'higher');
  close(row?.gain.mean, 0.3 - 0.4);
});

test('searched cells are marked, and kept out of the tables that would take their settings for effects of others', () => {
  const made = comparison();
  const searched = made.rows.filter(({ suggestedBy }) => suggestedBy !== null);
  assert.deepEqual(searched.map(({ suggestedBy }) => suggestedBy?.number).toSorted(), [0, 1, 2, 3, 4, 5]);
  const ids = new Set(searched.map(({ cellId }) => cellId));
  const others = [...made.depth, ...made.quantizationCost, ...made.totalBits.flatMap(({ points }) => points)];
  assert.ok(others.length > 0 && others.every(({ cellId }) => !ids.has(cellId)));
});

test('the recommendation may be a searched cell, and says so', () => {
  const best = suggested(0, 1e-4, { loss: 1 });
  const { recommendation, notes } = comparison(PLAIN, [best, suggested(1, 2e-4)]);
  assert.equal(recommendation.cellId, best.trial.trial.cell.id);
  assert.match(recommendation.sentence, /A search found it \(suggestion 0 of all layers · bf16 · lora\)/);
  assert.ok(notes.some((note) => note.includes('flattered by chance')));
});

test('both tables are part of every rendering', () => {
  const made = comparison();
  const markdown = toMarkdown(made);
  assert.match(markdown, /^## Search$/m);
  assert.match(markdown, /^## Search against switching$/m);
  assert.match(markdown, /\| learningRate 0\.0003 \| \+0\.300 \\\[−0\.971, \+1\.57\\\] \| \+0\.1000? \| 0\.250 \|/);
  const [header = '', record = ''] = toCsv(made, 'search').split('\r\n');
  const names = header.split(',');
  const at = (name: string) => record.split(',')[names.indexOf(name)];
  assert.deepEqual([at('study'), at('best'), at('base'), at('hours')], ['study-1', '2.7', '3', '3']);
  assert.equal(toCsv(made, 'switching').trimEnd().split('\r\n').length, 1 + 3);
});

test('without a search there is nothing of it', () => {
  const { search, notes } = compareTrials(inputOf(PLAIN));
  assert.deepEqual(search, { studies: [], switching: [] });
  assert.ok(!notes.some((note) => note.includes('suggestion')));
});
