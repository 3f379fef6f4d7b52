import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { InvalidConfig } from '@lamina/platform/process/config.ts';
import { loadConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-config-'));
after(() => rmSync(folder, { recursive: true }));
const NEEDED = {
  LAMINA_DATABASE_URL: 'postgres://lamina@db/lamina',
  LAMINA_ARTIFACTS: '/artifacts',
  LAMINA_SECRET: 's'.repeat(32),
};

function cluster(settings: object): string {
  const file = join(folder, 'cluster.json');
  writeFileSync(file, JSON.stringify(settings));
  return file;
}

test('the cluster is read from its file, and says where events go', () => {
  const file = cluster({
    image: 'lamina/trainer:1',
    artifacts: { source: { persistentVolumeClaim: 'a' } },
    eventsUrl: 'http://lamina:7071',
  });
  const config = loadConfig({ ...NEEDED, LAMINA_RUNNER: 'kubernetes', LAMINA_CLUSTER: file });
  assert.equal(config.runner.kind === 'kubernetes' && config.runner.cluster.image, 'lamina/trainer:1');
  assert.equal(config.eventsUrl, 'http://lamina:7071');
  const other = loadConfig({
    ...NEEDED,
    LAMINA_CLUSTER: file,
    LAMINA_RUNNER: 'kubernetes',
    LAMINA_EVENTS_URL: 'http://x',
  });
  assert.equal(other.eventsUrl, 'http://x');
});

test('every mistake is named at once, those of the cluster with their places', () => {
  const refused = (env: Record<string, string>, ...words: string[]) =>
    assert.throws(
      () => loadConfig(env),
      (error) => error instanceof InvalidConfig && words.every((word) => error.message.includes(word)),
    );
  refused({ LAMINA_RUNNER: 'kubernetes' }, 'LAMINA_CLUSTER', 'LAMINA_DATABASE_URL', 'LAMINA_SECRET');
  refused({ ...NEEDED }, 'LAMINA_TRAINER_PYTHON');
  refused({ ...NEEDED, LAMINA_RUNNER: 'kubernetes', LAMINA_TUNER: 'true' }, 'LAMINA_CLUSTER', 'LAMINA_TUNER');
  const file = cluster({ imagePullPolicy: 'never', artifacts: {} });
  refused({ ...NEEDED, LAMINA_RUNNER: 'kubernetes', LAMINA_CLUSTER: file }, 'image:', 'imagePullPolicy:', 'artifacts');
});

test('a tuner runs alongside a worker that is asked to have one', () => {
  const local = { ...NEEDED, LAMINA_TRAINER_PYTHON: '/python', LAMINA_TRAINER: '/trainer' };
  assert.equal(loadConfig(local).tuner, null);
  assert.deepEqual(loadConfig({ ...local, LAMINA_TUNER: 'true' }).tuner, { folder: '/trainer', python: '/python' });
});

test('workers are versioned where a deployment is named', () => {
  const local = { ...NEEDED, LAMINA_TRAINER_PYTHON: '/python' };
  assert.equal(loadConfig(local).deployment, null);
  const named = { ...local, LAMINA_DEPLOYMENT: 'lamina' };
  assert.deepEqual(loadConfig(named).deployment, { name: 'lamina', promotion: 'first-start' });
  const manual = { ...named, LAMINA_DEPLOYMENT_PROMOTION: 'manual' };
  assert.equal(loadConfig(manual).deployment?.promotion, 'manual');
  assert.throws(() => loadConfig({ ...local, LAMINA_DEPLOYMENT: 'a.b' }), /LAMINA_DEPLOYMENT/);
});
