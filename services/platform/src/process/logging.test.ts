import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from './logging.ts';

test('secrets never reach a line, at the top or one level down', () => {
  const lines: string[] = [];
  const log = createLogger({ name: 'test', destination: { write: (line) => lines.push(line) } });
  log.info({ token: 'hidden-1', launch: { token: 'hidden-2' }, env: { LAMINA_ATTEMPT_TOKEN: 'hidden-3' } }, 'started');
  log.info({ req: { headers: { authorization: 'Bearer hidden-4' } }, attemptId: 'a-1' }, 'posted');
  const text = lines.join('');
  assert.doesNotMatch(text, /hidden/);
  assert.match(text, /a-1/);
  assert.equal(text.match(/\[redacted\]/g)?.length, 4);
});
