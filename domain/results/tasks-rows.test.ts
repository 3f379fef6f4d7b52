import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareTrials } from './compare.ts';
import type { ComparedTrial } from './input.ts';
import { toCsv } from './render-csv.ts';
import { toMarkdown } from './render-markdown.ts';
import { inputOf, TASK_RESULT, trialOf } from './testing/trials.ts';

function answered(seed: number, ...results: readonly Partial<typeof TASK_RESULT>[]): ComparedTrial {
  const trial = trialOf({ seed });
  assert.ok(trial.result);
  return { ...trial, result: { ...trial.result, tasks: results.map((one) => ({ ...TASK_RESULT, ...one })) } };
}

test('one row per cell, task and metric, as cut and after training, gains paired by seed', () => {
  const { tasks } = compareTrials(
    inputOf([
      answered(1, { stage: 'raw', value: 0.25 }, { value: 0.5 }, { task: 'other', value: 1, standardError: null }),
      answered(2, { stage: 'raw', value: 0.25 }, { value: 0.75, standardError: 0.3 }),
      trialOf({ seed: 1, precision: 'nf4' }),
    ]),
  );
  assert.deepEqual(
    tasks.map(({ task, metric }) => [task, metric]),
    [
      ['quiz', 'acc'],
      ['other', 'acc'],
    ],
  );
  const [quiz, other] = tasks;
  assert.deepEqual(quiz?.raw.samples, [0.25, 0.25]);
  assert.equal(quiz?.trained.mean, 0.625);
  assert.deepEqual([quiz?.gain.n, quiz?.gain.mean], [2, 0.375]);
  assert.equal(quiz?.standardError, 0.2);
  assert.deepEqual([other?.raw.n, other?.gain.n, other?.standardError], [0, 0, null]);
});

test('other data, and other numbers of questions, do not share a row', () => {
  const { tasks } = compareTrials(
    inputOf([answered(1, { value: 0.5 }), answered(2, { dataSha256: 'other' }), answered(3, { samples: 5 })]),
  );
  assert.deepEqual(
    tasks.map((row) => row.trained.n),
    [1, 1, 1],
  );
});

test('the report has the table where tasks were scored, and only there', () => {
  const scored = compareTrials(inputOf([answered(1, { higherIsBetter: false })]));
  assert.match(toMarkdown(scored), /## Tasks\n[\s\S]*\| acc \(lower is better\) \|/);
  assert.match(toCsv(scored, 'tasks'), /^cellId,label,task,metric,samples,fewShot,raw_mean,/);
  assert.doesNotMatch(toMarkdown(compareTrials(inputOf([trialOf()]))), /## Tasks/);
});
