import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kubernetesSettings } from '@lamina/k8s/settings/settings.ts';
import { createDirectoryArtifactStore } from '@lamina/platform/adapters/directory-artifacts.ts';
import { seenAs } from '@lamina/platform/application/ports/runner-facts.ts';
import { cacheOf, mountsOf } from './runners/kubernetes/mounts.ts';
import { localTrialPaths, mountedTrialPaths } from './trial-paths.ts';

const settings = kubernetesSettings.parse({
  image: 'trainer',
  artifacts: { source: { persistentVolumeClaim: 'artifacts' }, mountPath: '/artifacts' },
  volumes: [
    { name: 'models', mountPath: '/models', source: { hostPath: '/srv/models' } },
    { name: 'data', mountPath: '/mnt/data', source: { persistentVolumeClaim: 'data' } },
    { name: 'scratch', mountPath: '/scratch', source: { emptyDir: {} } },
  ],
});

test('pods see the artifact store, folders of the node and claims, each where it is mounted', () => {
  const mounts = mountsOf(settings, '/var/lamina');
  const paths = mountedTrialPaths('/artifacts', cacheOf(settings), mounts);
  assert.equal(paths.artifact('experiments/e/trials/t'), '/artifacts/experiments/e/trials/t');
  assert.equal(paths.cache, '/artifacts/cache');
  assert.equal(paths.input('/var/lamina/inputs/aa/notes.jsonl'), '/artifacts/inputs/aa/notes.jsonl');
  assert.equal(paths.input('/srv/models/llama'), '/models/llama');
  assert.equal(paths.input('/mnt/data/notes.jsonl'), '/mnt/data/notes.jsonl');
  assert.equal(seenAs(mounts, '/scratch/notes.jsonl'), null, 'an empty folder holds nothing that could be named');
});

test('a cache of its own is where pods keep what they share', () => {
  const cache = { source: { persistentVolumeClaim: 'cache' }, mountPath: '/cache' };
  assert.equal(cacheOf({ ...settings, cache }), '/cache');
});

test('trials on this machine see everything as it is', () => {
  const paths = localTrialPaths(createDirectoryArtifactStore('/var/lamina'));
  assert.equal(paths.artifact('a/b'), '/var/lamina/a/b');
  assert.equal(paths.cache, '/var/lamina/cache');
  assert.equal(paths.input('/home/me/notes.jsonl'), '/home/me/notes.jsonl');
  assert.equal(localTrialPaths(createDirectoryArtifactStore('/var/lamina'), '/cache').cache, '/cache');
});
