import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { InvalidConfig, parseEnvironment, port } from './config.ts';

const schema = z.object({ LAMINA_PORT: port.default(7070), LAMINA_NAME: z.string().describe('what it is called') });

test('values are read, defaults hold where a variable is unset or empty', () => {
  assert.deepEqual(parseEnvironment(schema, { LAMINA_NAME: 'x', LAMINA_PORT: '', OTHER: '1' }), {
    LAMINA_NAME: 'x',
    LAMINA_PORT: 7070,
  });
});

test('what is not set is named with its meaning', () => {
  assert.throws(() => parseEnvironment(schema, {}), /^ {2}LAMINA_NAME: is not set: what it is called$/m);
});

test('every mistake is named at once', () => {
  assert.throws(
    () => parseEnvironment(schema, { LAMINA_PORT: '70000' }),
    (error: unknown) =>
      error instanceof InvalidConfig && /LAMINA_PORT/.test(error.message) && /LAMINA_NAME/.test(error.message),
  );
});
