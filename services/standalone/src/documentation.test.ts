import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

const read = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8');

test('docs/operations.md explains every variable of the services', async () => {
  const page = await read('docs/operations.md');
  const sources = await Promise.all(
    ['standalone/src/config.ts', 'api/src/config.ts', 'worker/src/config.ts', 'worker/src/runner-config.ts']
      .map((file) => `services/${file}`)
      .concat('services/platform/src/process/service-config.ts')
      .map(read),
  );
  const names = new Set(sources.flatMap((source) => source.match(/^ +LAMINA_[A-Z_]+(?=: )/gm) ?? []));
  // What npm start sets itself.
  const internal = ['LAMINA_TEMPORAL'];
  const missing = [...names].map((name) => name.trim()).filter((name) => !page.includes(`\`${name}\``));
  assert.deepEqual(
    missing.filter((name) => !internal.includes(name)),
    [],
  );
  assert.ok(names.size > 20);
});
