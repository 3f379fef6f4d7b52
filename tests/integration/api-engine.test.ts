import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTemporalExperimentControl } from '@lamina/platform/adapters/temporal/experiment-control.ts';
import { ControlUnavailable, ExperimentNotRunning } from '@lamina/platform/application/ports/control.ts';
import { Client, Connection } from '@temporalio/client';
import { smallDocument, testApi } from '../support/api.ts';
import { type Orchestra, startOrchestra, until } from '../support/orchestra.ts';

let orchestra: Orchestra;
let api: Awaited<ReturnType<typeof testApi>>;
before(async () => {
  orchestra = await startOrchestra();
  const { store, artifacts, control } = orchestra;
  api = await testApi({ store, artifacts, control });
});
after(async () => {
  await api?.close();
  await orchestra?.close();
});

async function post(url: string, payload: object = {}) {
  const response = await api.app.inject({ method: 'POST', url: `/v1/experiments${url}`, payload });
  return { status: response.statusCode, body: response.json() };
}

async function stateOf(id: string): Promise<string> {
  return (await api.app.inject(`/v1/experiments/${id}`)).json().state;
}

let seed = 0;
function freshDocument() {
  seed += 2;
  return smallDocument([seed, seed + 1]);
}

test('a submitted experiment runs to its end; the same one again ends at once, reused', async () => {
  orchestra.script(() => ({ do: 'end', outcome: 'succeeded' }));
  const document = freshDocument();
  const first = await post('', { document });
  assert.equal(first.status, 201, JSON.stringify(first.body));
  assert.equal(await orchestra.ended(first.body.id), 'succeeded');
  const launched = orchestra.launches.length;
  const second = await post('', { document });
  assert.equal(await orchestra.ended(second.body.id), 'succeeded');
  assert.equal(orchestra.launches.length, launched);
  const comparison = (await api.app.inject(`/v1/experiments/${second.body.id}/comparison`)).json();
  assert.equal(comparison.complete, true);
  assert.equal(comparison.rows[0].loss.n, 2);
});

test('pause, resume, cancel and retry reach the run, and the answer shows it', async () => {
  orchestra.script(() => ({ do: 'run' }));
  const { id } = (await post('', { document: freshDocument() })).body;
  await until(async () => (await stateOf(id)) === 'running', 'it runs');
  assert.equal((await post(`/${id}/pause`)).body.experiment.state, 'paused');
  assert.equal((await post(`/${id}/resume`)).body.experiment.state, 'running');
  assert.match((await post(`/${id}/cancel`)).body.experiment.state, /^cancel/);
  assert.equal(await orchestra.ended(id), 'cancelled');
  assert.equal((await post(`/${id}/cancel`)).body.code, 'experiment-ended');
  orchestra.script(() => ({ do: 'end', outcome: 'succeeded' }));
  const retried = await post(`/${id}/retry`);
  assert.equal(retried.body.affected, 4);
  assert.equal(await orchestra.ended(id), 'succeeded');
});

test('an ended experiment is extended and runs again', async () => {
  orchestra.script(() => ({ do: 'end', outcome: 'succeeded' }));
  const { id } = (await post('', { document: freshDocument() })).body;
  assert.equal(await orchestra.ended(id), 'succeeded');
  assert.equal((await post(`/${id}/extend`, { matrix: { seed: [9000] } })).body.affected, 2);
  assert.equal(await orchestra.ended(id), 'succeeded');
  const { counts, total } = (await api.app.inject(`/v1/experiments/${id}`)).json();
  assert.deepEqual([counts, total], [{ succeeded: 6 }, 6]);
});

test('what has no run is said to have none; an engine that is gone is said to be gone', async () => {
  await assert.rejects(orchestra.control.pause('e-never'), ExperimentNotRunning);
  const connection = Connection.lazy({ address: '127.0.0.1:1' });
  const control = createTemporalExperimentControl(new Client({ connection }), 1000);
  await assert.rejects(control.start('e-some'), ControlUnavailable);
  await assert.rejects(control.wake('e-some'), ControlUnavailable);
  await assert.rejects(control.check(), ControlUnavailable);
  await connection.close();
});
