import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ApiError, ERRORS, errorsPage, toProblem } from './errors.ts';

test('docs/errors.md names every code', async () => {
  const page = await readFile(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  assert.equal(page, errorsPage(), 'run npm run generate');
  for (const code of Object.keys(ERRORS)) assert.ok(page.includes(`| \`${code}\` |`), code);
});

test('a problem carries its code, and only what is known', () => {
  assert.deepEqual(toProblem(new ApiError('attempt-ended'), 'r-1'), {
    type: 'urn:lamina:error:attempt-ended',
    title: ERRORS['attempt-ended'].title,
    status: 410,
    code: 'attempt-ended',
    instance: 'r-1',
  });
});
