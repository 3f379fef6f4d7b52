/** What counts as the result of an attempt, for runners and for what is recorded alike. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptRef } from '@lamina/domain/contract/attempt.ts';
import { judgeResult } from '@lamina/domain/contract/attempt-result.ts';
import { DATASET_TRIAL } from '@lamina/domain/contract/generation.ts';
import { sampleResult } from '../conformance/samples.ts';

const REF = attemptRef('e', { trialId: 'f00', attempt: 2 });
const RESULT = sampleResult(REF, 'succeeded');

function problemOf(content: unknown, ref = REF): string | null {
  const bytes = content === null ? null : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  const judged = judgeResult(bytes, ref);
  return 'problem' in judged ? judged.problem : null;
}

test('the result of the attempt is taken as it is', () => {
  assert.deepEqual(judgeResult(Buffer.from(JSON.stringify(RESULT)), REF), { result: RESULT });
});

test('everything else is a problem in words', () => {
  assert.equal(problemOf(null), 'there is no result.json');
  assert.match(problemOf('{"contract": "lam') ?? '', /^result\.json is not valid: /);
  assert.match(problemOf({ ...RESULT, status: 'fine' }) ?? '', /^result\.json is not valid: status: /);
  assert.equal(problemOf({ ...RESULT, attemptId: 'e-f00-1' }), 'result.json is of another attempt, e-f00-1');
  assert.equal(problemOf({ ...RESULT, trialId: 'f01' }), 'result.json is of another trial, f01');
});

test('a generation has a result of its own kind', () => {
  const ref = attemptRef('e', { trialId: DATASET_TRIAL, attempt: 1 });
  assert.match(problemOf(sampleResult(ref, 'succeeded'), ref) ?? '', /^result\.json is not valid: /);
});
