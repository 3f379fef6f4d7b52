import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readKubernetesSettings } from './read.ts';

const minimal = { image: 'trainer:1', artifacts: { source: { hostPath: '/srv/artifacts' } } };

test('two fields are enough, and settings that were read read the same again', () => {
  const first = readKubernetesSettings(minimal);
  assert.ok(first.ok, JSON.stringify(first));
  assert.deepEqual(readKubernetesSettings(JSON.stringify(first.settings)), first);
});

test('the example file is valid', () => {
  const read = readKubernetesSettings(
    readFileSync(join(import.meta.dirname, '../..', 'examples', 'kubernetes.yaml'), 'utf8'),
  );
  assert.ok(read.ok, JSON.stringify(read));
});

const volume = { name: 'data', mountPath: '/mnt/data', source: { hostPath: '/srv/data' } };

const mistakes: readonly (readonly [string, object, string, RegExp])[] = [
  ['no image', { image: undefined }, 'image', /required/],
  ['an unknown field', { gpuClases: {} }, 'gpuClases', /not a known field; did you mean 'gpuClasses'\?/],
  ['a namespace in capitals', { namespace: 'Team_A' }, 'namespace', /lower case.*such as lamina-trials/],
  ['an instance that no name holds', { instance: 'my_lab' }, 'instance', /lower case/],
  ['results that die with the pod', { artifacts: { source: { emptyDir: {} } } }, 'artifacts.source.emptyDir', /known/],
  ['a relative path', { artifacts: { source: { hostPath: 'srv' } } }, 'artifacts.source.hostPath', /absolute/],
  ['a path that climbs', { volumes: [{ ...volume, mountPath: '/mnt/../etc' }] }, 'volumes[0].mountPath', /absolute/],
  ['a folder of the container', { volumes: [{ ...volume, mountPath: '/dev/shm' }] }, 'volumes[0].mountPath', /itself/],
  ['the name of one of our volumes', { volumes: [{ ...volume, name: 'shm' }] }, 'volumes[0].name', /another volume/],
  ['two volumes of a name', { volumes: [volume, { ...volume, mountPath: '/b' }] }, 'volumes[1].name', /another volume/],
  [
    'two volumes at one place',
    { volumes: [{ ...volume, mountPath: '/var/lib/lamina/artifacts/' }] },
    'volumes[0].mountPath',
    /where artifacts is mounted/,
  ],
  ['a variable of the scheduler', { env: { LAMINA_REQUEST: '{}' } }, 'env.LAMINA_REQUEST', /set by the scheduler/],
  ['a variable that is none', { env: { 'A-B': '1' } }, 'env.A-B', /name of a variable/],
  ['a resource without a domain', { gpuResource: 'gpu' }, 'gpuResource', /extended resource.*nvidia\.com\/gpu/],
  ['no memory at all', { memory: '0' }, 'memory', /greater than zero/],
  ['memory with another unit', { memory: '8GB' }, 'memory', /such as 64Gi/],
  ['a selector with a broken key', { nodeSelector: { 'a b': 'c' } }, 'nodeSelector.a b', /key of a label/],
  ['a selector with a broken value', { nodeSelector: { a: 'b c' } }, 'nodeSelector.a', /what a label can say/],
  [
    'a class with a broken resource',
    { gpuClasses: { small: { resource: 'mig' } } },
    'gpuClasses.small.resource',
    /extended resource/,
  ],
  ['a toleration without a key', { tolerations: [{ effect: 'NoSchedule' }] }, 'tolerations[0].key', /unless/],
  [
    'a toleration that cannot match',
    { tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }] },
    'tolerations[0].value',
    /no meaning/,
  ],
  [
    'seconds without the effect',
    { tolerations: [{ key: 'a', operator: 'Exists', tolerationSeconds: 5 }] },
    'tolerations[0].tolerationSeconds',
    /NoExecute/,
  ],
  ['root', { runAsUser: 0 }, 'runAsUser', /at least 1/],
  ['another protocol', { eventsUrl: 'ftp://host' }, 'eventsUrl', /http or https/],
];

for (const [name, change, path, message] of mistakes) {
  test(`refused: ${name}`, () => {
    const read = readKubernetesSettings({ ...minimal, ...change });
    assert.ok(!read.ok, 'it was accepted');
    const found = read.issues.find((one) => one.path === path);
    assert.ok(found, JSON.stringify(read.issues));
    assert.match(`${found.message}; ${found.fix}`, message);
  });
}

test('accepted: a label without a value, a toleration of everything, capacity in decimals', () => {
  const read = readKubernetesSettings({
    ...minimal,
    nodeSelector: { 'node-role.kubernetes.io/gpu': '' },
    tolerations: [{ operator: 'Exists' }],
    cpu: '1.5',
    memory: '0.5Gi',
  });
  assert.ok(read.ok, JSON.stringify(read));
});
