import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lastErrorText, readable } from './last-error.ts';

test('secrets that messages quote are taken out', () => {
  const cases = [
    ['cannot reach postgres://lamina:hunter22@db/name', 'cannot reach postgres://[redacted]@db/name'],
    ['401 for Authorization: Bearer abcdef.ghi-jkl', '401 for Authorization: Bearer [redacted]'],
    ['the hub refused hf_abcdefghij1234', 'the hub refused [redacted]'],
    ['{"password":"hunter22","user":"me"}', '{"password":"[redacted]","user":"me"}'],
    ['LAMINA_ATTEMPT_TOKEN=hunter22 is set', 'LAMINA_ATTEMPT_TOKEN=[redacted] is set'],
    ['https://host/v1?api_key=hunter22&x=1', 'https://host/v1?api_key=[redacted]&x=1'],
  ] as const;
  for (const [message, expected] of cases) assert.equal(readable(message), expected);
});

test('what is no secret stays', () => {
  for (const message of [
    "EACCES: permission denied, open '/srv/lamina/experiments/e-1/result.json'",
    'connect ECONNREFUSED 127.0.0.1:5432',
    'jobs.batch is forbidden: User "system:serviceaccount:lamina:lamina" cannot create resource',
    'https://host:6443/apis/batch/v1 answered 503',
  ]) {
    assert.equal(readable(message), message);
  }
});

test('causes follow, each once; errors without a message give that of what they gather', () => {
  const inner = new Error('connect ECONNREFUSED ::1:5432');
  assert.equal(
    lastErrorText(new Error('the store is away', { cause: inner })),
    'the store is away: connect ECONNREFUSED ::1:5432',
  );
  assert.equal(
    lastErrorText(new Error(`the store is away (${inner.message})`, { cause: inner })),
    `the store is away (${inner.message})`,
  );
  assert.equal(lastErrorText(new AggregateError([inner])), inner.message);
  assert.equal(lastErrorText('thrown as text'), 'thrown as text');
  assert.equal(lastErrorText(new Error('')), 'an error without a message');
});

test('property: one line of bounded length', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 2000 }), (message) => {
      const text = readable(message);
      assert.ok(text.length > 0 && text.length <= 500 && !text.includes('\n'));
    }),
  );
});
