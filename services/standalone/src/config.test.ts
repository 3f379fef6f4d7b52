import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidConfig } from '@lamina/platform/process/config.ts';
import { loadConfig } from './config.ts';

const needed = { LAMINA_TRAINER_PYTHON: '/python', LAMINA_TEMPORAL: '/temporal' };

test('what is not said has a default, and an empty variable says nothing', () => {
  const config = loadConfig({ ...needed, LAMINA_PORT: '', XDG_CACHE_HOME: '/cache' }, '/here');
  assert.equal(config.port, 7070);
  assert.deepEqual(config.runner.kind === 'local' && [config.runner.trainer.launcher, config.runner.trainer.cache], [
    'warm',
    '/cache/lamina/trainer-cache',
  ]);
});

test('every mistake is named at once', () => {
  assert.throws(
    () => loadConfig({ LAMINA_PORT: '70700', LAMINA_LAUNCHER: 'hot' }, '/here'),
    (error) =>
      error instanceof InvalidConfig &&
      ['LAMINA_PORT', 'LAMINA_LAUNCHER', 'LAMINA_TRAINER_PYTHON', 'LAMINA_TEMPORAL'].every((name) =>
        error.message.includes(name),
      ),
  );
});
