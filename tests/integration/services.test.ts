/** API and worker as processes of their own, over Postgres and a Temporal server, with real trials on a tiny model. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createClient } from '@lamina/cli/client.ts';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { untilEnded } from '../support/following.ts';
import { postgresMissing, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { launch, type Service, upAt } from '../support/services.ts';
import { startTemporal } from '../support/temporal.ts';
import { saveTinyModel, tinyDocument } from '../support/tiny.ts';
import { trainerEnvironment, trainerPython } from '../support/trainer.ts';

const PATIENCE_MS = 180_000;

describe('API and worker apart', { skip: postgresMissing() ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-services-'));
  const running: Service[] = [];
  let postgres: TestPostgres;
  let temporal: TestWorkflowEnvironment;
  let shared: Record<string, string>;

  before(async () => {
    [postgres, temporal] = await Promise.all([startPostgres(), startTemporal({}), saveTinyModel(folder)]);
    shared = {
      ...trainerEnvironment(),
      LAMINA_DATABASE_URL: await postgres.createDatabase('services'),
      LAMINA_TEMPORAL_ADDRESS: temporal.address,
      LAMINA_ARTIFACTS: join(folder, 'artifacts'),
      LAMINA_SECRET: 'a secret of this test, long enough',
    };
  });
  after(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await temporal.teardown();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  });

  function start(service: 'api' | 'worker', env: Readonly<Record<string, string>>): Service {
    const started = launch(service, { ...shared, ...env });
    running.push(started);
    return started;
  }

  test('a submission waits for a worker, runs, reports through the intake, and both end gracefully', async () => {
    const api = start('api', { LAMINA_PORT: '0', LAMINA_INTAKE_HOST: '127.0.0.1', LAMINA_INTAKE_PORT: '0' });
    const url = await upAt(api, 'url');
    const intake = /"url":"([^"]+)"[^\n]*"msg":"taking in events/.exec(api.output())?.[1] ?? '';
    const client = createClient(url);
    const document = tinyDocument({
      name: 'apart',
      steps: 5,
      seeds: [1],
      maxParallel: 1,
      layers: [2],
      precisions: ['fp32'],
    });
    const submission = { document: JSON.stringify(document), baseDirectory: folder, reuse: true };
    await assert.rejects(client.submit(submission), /no worker has said yet/);

    const worker = start('worker', {
      LAMINA_TRAINER_PYTHON: trainerPython(),
      LAMINA_TRAINER_CACHE: join(folder, 'cache'),
      LAMINA_LAUNCHER: 'process',
      LAMINA_DATA: join(folder, 'worker'),
      LAMINA_EVENTS_URL: intake,
      LAMINA_HEALTH_PORT: '0',
    });
    const health = await upAt(worker, 'health');
    assert.deepEqual(await (await fetch(`${health}/readyz`)).json(), {
      status: 'ok',
      checks: { database: 'ok', engine: 'ok', worker: 'ok' },
    });
    assert.match(await (await fetch(`${health}/metrics`)).text(), /process_cpu_seconds_total/);

    const { id } = await client.submit(submission);
    const ended = await untilEnded(client, id, PATIENCE_MS);
    assert.equal(ended.state, 'succeeded', worker.output());
    const [trial] = await client.trials(id);
    assert.ok(trial?.trained);
    const { attemptList } = await client.trial(id, trial.id);
    assert.notEqual(attemptList[0]?.lastEventAt, null, 'it has posted its events to the intake');
    assert.match(
      await (await fetch(`${health}/metrics`)).text(),
      /lamina_attempts_ended_total\{outcome="succeeded"\} [1-9]/,
    );
    assert.equal((await client.gpus()).source, 'local (process)');

    const nothing = await fetch(`${intake}/v1/experiments`);
    assert.equal(nothing.status, 404, 'nothing else answers at the intake');
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"events":[]}' };
    assert.equal((await fetch(`${intake}/v1/attempts/${attemptList[0]?.id}/events`, post)).status, 401);

    for (const { child, exit, output } of [worker, api]) {
      child.kill('SIGTERM');
      assert.equal(await exit, 0, output());
    }
  });

  test('a wrong configuration ends at once with all that is wrong', async () => {
    const { exit, output } = launch('worker', { PATH: process.env.PATH ?? '', LAMINA_RUNNER: 'kubernetes' });
    assert.equal(await exit, 2);
    for (const name of ['LAMINA_DATABASE_URL', 'LAMINA_ARTIFACTS', 'LAMINA_SECRET', 'LAMINA_CLUSTER'])
      assert.ok(output().includes(name), output());
  });
});
