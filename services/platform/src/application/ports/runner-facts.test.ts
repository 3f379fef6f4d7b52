import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seenAs } from './runner-facts.ts';

const MOUNTS = [
  { folder: '/srv', as: '/data' },
  { folder: '/srv/models', as: '/models' },
  { folder: null, as: '/hub' },
];

for (const [path, seen] of [
  ['/srv/notes.jsonl', '/data/notes.jsonl'],
  ['/srv/models/llama/config.json', '/models/llama/config.json'],
  ['/srv/models', '/models'],
  ['/models/llama', '/models/llama'],
  ['/hub/gemma', '/hub/gemma'],
  ['/srvother/a', null],
  ['/home/me/a', null],
] as const) {
  test(`${path} is ${seen === null ? 'not seen by trials' : `seen as ${seen}`}`, () => {
    assert.equal(seenAs(MOUNTS, path), seen);
  });
}

test('trials on this machine see everything where it is', () => {
  assert.equal(seenAs(null, '/home/me/a'), '/home/me/a');
});
