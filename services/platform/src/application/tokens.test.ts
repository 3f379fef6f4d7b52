import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptToken, verifyAttemptToken } from './tokens.ts';

test('a token opens its own attempt under its own secret only', () => {
  const token = attemptToken('secret', 'a-1');
  assert.equal(verifyAttemptToken('secret', 'a-1', token), true);
  assert.equal(verifyAttemptToken('secret', 'a-2', token), false);
  assert.equal(verifyAttemptToken('other', 'a-1', token), false);
  assert.equal(verifyAttemptToken('secret', 'a-1', `${token}x`), false);
  assert.equal(verifyAttemptToken('secret', 'a-1', ''), false);
});
