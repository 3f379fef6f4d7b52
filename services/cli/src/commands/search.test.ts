import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SearchView, StudyView, SuggestionView } from '@lamina/domain/contract/search-view.ts';
import { testIo } from '../testing/io.ts';
import { searchText } from './search.ts';

const study: StudyView = {
  key: 'cell',
  label: '6 layers · bf16',
  state: 'open',
  message: null,
  sampler: 'tpe',
  pruner: 'median',
  objectives: ['loss'],
  directions: ['minimize'],
  parameters: { 'training.learningRate': { kind: 'float', low: 1e-5, high: 1e-2, log: true, step: null } },
  trials: 3,
  counts: { complete: 1, pruned: 1, running: 1 },
  best: [],
};

function suggestion(number: number, more: Partial<SuggestionView>): SuggestionView {
  const parameters = { 'training.learningRate': 0.000123456 };
  return { studyKey: 'cell', number, parameters, trialId: 't', state: 'running', values: null, message: null, ...more };
}

const text = (view: SearchView) => searchText(view, testIo());

test('suggestions stand below their study, the best is marked', () => {
  const items = [
    suggestion(0, { state: 'complete', values: [3.14159] }),
    suggestion(1, { state: 'pruned', message: 'behind other suggestions at step 20' }),
    suggestion(2, {}),
  ];
  const best = items.slice(0, 1);
  assert.equal(
    text({ studies: [{ ...study, best }], suggestions: { items, nextCursor: 'abc' } }),
    [
      '6 layers · bf16 (tpe, median pruner) · open: 2 of 3 suggestions ended, 1 pruned, 1 running, 0 waiting',
      '',
      '  #  training.learningRate   loss  state',
      '0 *              0.0001235  3.142  complete',
      '  1              0.0001235      –  pruned    behind other suggestions at step 20',
      '  2              0.0001235      –  running',
      '',
      'more: lamina search --cursor abc',
      '',
    ].join('\n'),
  );
});

test('a study that the tuner refuses says why; without a search there is a sentence', () => {
  const failed = { ...study, state: 'failed' as const, message: 'the range is empty', counts: {} };
  assert.match(
    text({ studies: [failed], suggestions: { items: [], nextCursor: null } }),
    /failed.*\nthe range is empty/,
  );
  assert.equal(text({ studies: [], suggestions: { items: [], nextCursor: null } }), 'This experiment has no search.\n');
});
