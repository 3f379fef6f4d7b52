/** API and two workers as processes of their own, over a cluster: one worker is killed, and nothing is lost. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createClient } from '@lamina/cli/client.ts';
import { cluster } from '../support/cluster.ts';
import { trialDetails, untilEnded, untilExperiment } from '../support/following.ts';
import { podSettings } from '../support/pod-settings.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { launch, type Service, upAt } from '../support/services.ts';
import { startTemporal } from '../support/temporal.ts';
import { saveTinyModel, tinyDocument } from '../support/tiny.ts';
import { trainerEnvironment } from '../support/trainer.ts';
import { until } from './shell.ts';

const PATIENCE_MS = 300_000;

const found = await cluster();
const skip = 'skip' in found ? found.skip : (postgresMissing() ?? false);
const endings: (() => unknown)[] = [];
after(async () => {
  for (const end of endings.toReversed()) await end();
});

test('two workers over a cluster; the one that leads is killed while trials run', { skip }, async () => {
  if ('skip' in found) return;
  const data = mkdtempSync(join(tmpdir(), 'lamina-workers-'));
  endings.push(() => rmSync(data, { recursive: true, force: true }));
  const settings = await podSettings(found);
  endings.push(() => settings.remove());
  const postgres = await startPostgres();
  endings.push(() => postgres.stop());
  const temporal = await startTemporal({});
  endings.push(() => temporal.teardown());
  await saveTinyModel(settings.artifacts);

  const shared = {
    ...trainerEnvironment(),
    ...settings.environment,
    LAMINA_DATABASE_URL: await postgres.createDatabase('cluster'),
    LAMINA_TEMPORAL_ADDRESS: temporal.address,
    LAMINA_SECRET: 'a secret of this test, long enough',
  };
  const start = (service: 'api' | 'worker', env: Readonly<Record<string, string>>): Service => {
    const started = launch(service, { ...shared, ...env });
    endings.push(() => started.child.kill('SIGKILL'));
    return started;
  };
  const worker = async (identity: string): Promise<Service> => {
    const started = start('worker', { LAMINA_IDENTITY: identity, LAMINA_DATA: data, LAMINA_HEALTH_PORT: '0' });
    await upAt(started, 'health');
    return started;
  };

  const api = start('api', { LAMINA_PORT: '0' });
  const client = createClient(await upAt(api, 'url'));
  const first = await worker('first');
  const second = await worker('second');
  const document = tinyDocument({
    name: 'apart',
    steps: 20,
    seeds: [1, 2],
    maxParallel: 2,
    layers: [2],
    precisions: ['fp32'],
  });
  const { id } = await client.submit({
    document: JSON.stringify(document),
    baseDirectory: settings.artifacts,
    reuse: true,
  });
  await untilExperiment(client, id, ({ counts }) => counts.running === 2, PATIENCE_MS);
  first.child.kill('SIGKILL');
  const ended = await untilEnded(client, id, PATIENCE_MS);
  assert.deepEqual(ended.counts, { succeeded: 2 }, second.output());
  for (const { attemptList } of await trialDetails(client, id)) {
    assert.deepEqual(
      attemptList.map(({ outcome }) => outcome),
      ['succeeded'],
      'the killed worker cost no attempt',
    );
    assert.notEqual(attemptList[0]?.lastEventAt, null, 'the trainer has posted to the intake');
  }
  assert.deepEqual(
    (await client.gpus()).classes.map(({ perNode }) => perNode > 0),
    [true, true],
  );
  const jobs = async () => String(await found.kubectl(['-n', settings.namespace, 'get', 'jobs', '-o', 'name'])).trim();
  await until('no Job is left', 30, async () => (await jobs()) === '', 500);
  for (const { child, exit, output } of [second, api]) {
    child.kill('SIGTERM');
    assert.equal(await exit, 0, output());
  }
});
