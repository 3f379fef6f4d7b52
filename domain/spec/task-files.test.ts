import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleSettings } from '../contract/testing/settings.ts';
import { trialId } from '../matrix/identity.ts';
import { parseDocument } from './parse.ts';
import { taskDataFiles } from './task-files.ts';

const TASK = `
task: quiz
dataset_path: json
dataset_kwargs: { data_files: { test: [a.jsonl, b.jsonl], dev: a.jsonl } }
`;

test('the data files of a task, each once', () => {
  assert.deepEqual(taskDataFiles(TASK), { names: ['a.jsonl', 'b.jsonl'] });
});

test('what is no task with local data says why', () => {
  const table: readonly (readonly [string, RegExp])[] = [
    ['task: [', /is not YAML/],
    ['- a list', /names no task/],
    [TASK.replace('task: quiz', 'group: quiz'), /names no task/],
    [TASK.replace('json', 'HAERAE-HUB/KMMLU'), /no local data/],
    [TASK.replace('data_files', 'url'), /no local data/],
    [TASK.replace('dev: a.jsonl', 'dev: 1'), /no paths/],
    [`${TASK}process_docs: !function utils.shout`, /!function/],
  ];
  for (const [text, message] of table) {
    const found = taskDataFiles(text);
    assert.ok('message' in found, text);
    assert.match(found.message, message);
  }
});

const DOCUMENT = {
  apiVersion: 'lamina/v1',
  name: 'tasks',
  model: 'a/b',
  dataset: 'notes.jsonl',
  matrix: { seed: [1, 2] },
};

test('tasks are a list of files, or files with limits', () => {
  const tasksOf = (tasks: unknown) => {
    const parsed = parseDocument({ ...DOCUMENT, evaluation: { tasks } });
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return parsed.document.evaluation.tasks;
  };
  const file = { path: './quiz.yaml', fingerprint: null, data: [] };
  assert.equal(tasksOf(null), null);
  assert.deepEqual(tasksOf(['./quiz.yaml']), { files: [file], maxSamples: null, fewShot: null, batchSize: 1 });
  const limited = { files: ['./quiz.yaml'], maxSamples: 10, fewShot: 2, batchSize: 4 };
  assert.deepEqual(tasksOf(limited), { ...limited, files: [file] });
  for (const wrong of [[], ['./a.yaml', 3], { files: ['./a.yaml'], shots: 2 }, 'quiz.yaml'])
    assert.ok(!parseDocument({ ...DOCUMENT, evaluation: { tasks: wrong } }).ok, JSON.stringify(wrong));
});

test('a trial id follows what tasks ask, not where their files lie', () => {
  const of = (path: string, data: string, limits = {}) => {
    const files = [{ path, fingerprint: 'f', data: [{ name: 'a.jsonl', path: `${path}.jsonl`, fingerprint: data }] }];
    const tasks = { files, maxSamples: null, fewShot: null, batchSize: 1, ...limits };
    return trialId(sampleSettings({ evaluation: { tasks } }), 'revision');
  };
  assert.equal(of('/a/quiz.yaml', 'd'), of('/b/quiz.yaml', 'd'));
  const ids = [of('/a', 'd'), of('/a', 'e'), of('/a', 'd', { maxSamples: 5 }), trialId(sampleSettings(), 'revision')];
  assert.equal(new Set(ids).size, 4);
});
