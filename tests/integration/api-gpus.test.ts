/** The GPUs of one machine in the API: who uses them, what is set aside, and how many trials run at once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gpuClassOf } from '@lamina/domain/contract/testing/gpus.ts';
import { deviceOf } from '@lamina/domain/devices/testing/devices.ts';
import { smallDocument, testApi } from '../support/api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
before(async () => {
  api = await testApi();
  const device = {
    kind: 'cuda',
    name: 'H100',
    computeCapability: '9.0',
    fast16Bit: true,
    memoryBytes: 2 ** 36,
  } as const;
  await api.store.announce({ runner: 'local', trainerRevision: 'r1', device, devices: 8, mounts: null });
  await api.store.putGpuInventory({
    source: 'local',
    at: '2026-01-01T00:00:00.000Z',
    classes: [gpuClassOf('H100', 64)],
    devices: [0, 1].map((index) => ({ ...deviceOf(index), attemptId: index === 0 ? 'e-t-1' : null, setAside: null })),
    note: null,
  });
});
after(() => api.close());

const headers = { host: 'localhost' };
const ask = async (method: 'GET' | 'POST', path: string, payload?: object) => {
  const answer = await api.app.inject({ method, url: `/v1/${path}`, headers, ...(payload && { payload }) });
  return { status: answer.statusCode, body: answer.json() };
};

test('a GPU that is set aside is shown at once, and can be taken back once', async () => {
  const aside = {
    device: 'GPU-1',
    faults: 1,
    since: '2026-01-01T00:00:00.000Z',
    until: null,
    reason: 'Xid 79',
    attemptId: 'e-t-2',
  };
  await api.store.setDeviceAside(aside);
  await api.store.setDeviceAside({ ...aside, device: 'GPU-0', until: '2026-01-01T00:05:00.000Z' });
  const devices = (await ask('GET', 'gpus')).body.devices;
  assert.deepEqual(
    devices.map((each: { uuid: string; attemptId: string; setAside: object }) => [
      each.uuid,
      each.attemptId,
      each.setAside,
    ]),
    [
      // Its pause is over.
      ['GPU-0', 'e-t-1', null],
      ['GPU-1', null, aside],
    ],
  );
  const back = await ask('POST', 'gpus/GPU-1/take-back', {});
  assert.deepEqual([back.status, back.body.devices[1].setAside], [200, null]);
  const again = await ask('POST', 'gpus/GPU-1/take-back', {});
  assert.deepEqual([again.status, again.body.code], [404, 'device-not-set-aside']);
});

test('an experiment runs as many trials at once as there are GPUs, unless it says otherwise', async () => {
  const parallel = async (policy: object, resources: object = {}) => {
    const { policy: _, ...document } = smallDocument() as { policy?: object };
    const payload = { document: { ...document, resources, policy } };
    const { status, body } = await ask('POST', 'experiments', payload);
    assert.equal(status, 201, JSON.stringify(body));
    return (await api.store.getExperiment(body.id))?.policy.maxParallel;
  };
  assert.equal(await parallel({}), 8);
  assert.equal(await parallel({ maxParallel: 3 }), 3);
  assert.equal(await parallel({}, { gpus: 2 }), 4);
  assert.equal(await parallel({}, { gpus: 0 }), 1);
});
