import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidConfig } from '@lamina/platform/process/config.ts';
import { loadConfig } from './config.ts';

const NEEDED = {
  LAMINA_DATABASE_URL: 'postgres://lamina@db/lamina',
  LAMINA_ARTIFACTS: '/artifacts',
  LAMINA_SECRET: 's'.repeat(32),
};

test('what is not said has a default: this machine alone, and no intake', () => {
  const config = loadConfig(NEEDED, '/here');
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 7070 });
  assert.equal(config.allowedHosts, undefined);
  assert.equal(config.intake, null);
  assert.equal(config.baseDirectory, '/here');
});

test('host names and the intake are taken', () => {
  const env = { ...NEEDED, LAMINA_ALLOWED_HOSTS: 'Lamina.example.org, localhost', LAMINA_INTAKE_PORT: '7071' };
  const config = loadConfig(env, '/here');
  assert.deepEqual(config.allowedHosts, ['lamina.example.org', 'localhost']);
  assert.deepEqual(config.intake, { host: '0.0.0.0', port: 7071 });
  assert.equal(loadConfig({ ...NEEDED, LAMINA_ALLOWED_HOSTS: '*' }, '/here').allowedHosts, null);
});

test('every mistake is named at once', () => {
  assert.throws(
    () => loadConfig({ LAMINA_DATABASE_URL: 'mysql://x', LAMINA_SECRET: 'short', LAMINA_PORT: 'a' }, '/here'),
    (error) =>
      error instanceof InvalidConfig &&
      ['LAMINA_DATABASE_URL', 'LAMINA_SECRET', 'LAMINA_PORT', 'LAMINA_ARTIFACTS'].every((name) =>
        error.message.includes(name),
      ),
  );
});
