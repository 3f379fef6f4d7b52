import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { readinessOf } from './readiness.ts';

test('one part that fails makes the whole not ready, and is named', async () => {
  const parts = { database: async () => 1, engine: () => Promise.reject(new Error('away')) };
  assert.deepEqual(await readinessOf(parts), { status: 'failed', checks: { database: 'ok', engine: 'failed' } });
  assert.deepEqual(await readinessOf({ database: parts.database }), { status: 'ok', checks: { database: 'ok' } });
});

test('a part that says nothing has failed after three seconds', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const asked = readinessOf({ engine: () => new Promise(() => undefined) });
    mock.timers.tick(3000);
    assert.deepEqual(await asked, { status: 'failed', checks: { engine: 'failed' } });
  } finally {
    mock.timers.reset();
  }
});
