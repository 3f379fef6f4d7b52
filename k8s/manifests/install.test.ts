import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { installation } from './install.ts';
import { goldenSettings } from './testing/golden.ts';

const kinds = (settings: object) =>
  parseAllDocuments(installation(goldenSettings(settings), { name: 'worker', namespace: 'lamina' })).map((document) =>
    String(document.get('kind')),
  );

test('an account with its rights', () => {
  assert.deepEqual(kinds({}), ['ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding']);
});

test('the Service of pods that look for each other, where a trial may have several', () => {
  assert.equal(kinds({ gpusPerPod: 8 }).at(-1), 'Service');
  assert.equal(kinds({ gpuClasses: { large: { gpusPerPod: 8 } } }).at(-1), 'Service');
});
