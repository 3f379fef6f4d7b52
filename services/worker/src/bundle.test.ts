import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { workflowBundle } from './bundle.ts';

Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
const folder = await mkdtemp(join(tmpdir(), 'lamina-bundle-'));
after(() => rm(folder, { recursive: true }));

test('the workflow bundle is built once and then taken from its file', async () => {
  const built = await workflowBundle(folder);
  assert.ok(built.code.includes('attemptsEnded'));
  const [file, ...others] = await readdir(folder);
  assert.deepEqual(others, []);
  await writeFile(join(folder, file ?? ''), 'kept');
  assert.equal(file, `workflows-${built.buildId}.js`);
  assert.deepEqual(await workflowBundle(folder), { code: 'kept', buildId: built.buildId });
});
