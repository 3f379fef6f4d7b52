import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LABELS } from '../labels.ts';
import { planRemoval, type Removal } from './removal.ts';

function removal(experiment: string, trial: number, alone = true): Removal {
  const labels = {
    [LABELS.managedBy]: 'lamina',
    [LABELS.instance]: 'lamina',
    [LABELS.experiment]: experiment,
    [LABELS.trial]: `t${trial}`,
  };
  return { name: `${experiment}-${trial}`, job: { metadata: { labels } }, alone };
}

test('a hundred Jobs of an experiment go with one request', () => {
  const removals = Array.from({ length: 250 }, (_, index) => removal('a', index));
  const { single, selectors } = planRemoval([...removals, removal('b', 1), removal('b', 2)]);
  assert.deepEqual(single, []);
  assert.equal(selectors.length, 4);
  const named = selectors.flatMap((selector) => /in \((.*)\)$/.exec(selector)?.[1]?.split(',') ?? []);
  assert.equal(named.length, 252);
  assert.ok(selectors.every((selector) => /lamina\.dev\/experiment=[ab],/.test(selector)));
});

test('by name alone goes what labels could mistake: another attempt of the trial, a Job never seen, a single one', () => {
  const unseen: Removal = { name: 'unseen', job: null, alone: false };
  const { single, selectors } = planRemoval([removal('a', 1, false), unseen, removal('b', 1)]);
  assert.deepEqual(single.toSorted(), ['a-1', 'b-1', 'unseen']);
  assert.deepEqual(selectors, []);
});
