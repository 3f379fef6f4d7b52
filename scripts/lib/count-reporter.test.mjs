import assert from 'node:assert/strict';
import { test } from 'node:test';
import count from './count-reporter.mjs';

async function counted(...events) {
  const lines = [];
  for await (const line of count(events)) lines.push(JSON.parse(line));
  return lines.map(({ name, outcome, reason }) => [name, outcome, reason]);
}
const ended = (type, name, data = {}) => ({ type: `test:${type}`, data: { name, details: { type: 'test' }, ...data } });

test('tests are counted, suites are not', async () => {
  const suite = { details: { type: 'suite' } };
  assert.deepEqual(
    await counted(ended('pass', 'a'), ended('fail', 'b'), ended('pass', 's', suite), { type: 'test:start' }),
    [
      ['a', 'passed', null],
      ['b', 'failed', null],
    ],
  );
});

test('what is skipped is named with its reason, a whole suite too', async () => {
  const suite = { skip: 'no browser', details: { type: 'suite' } };
  assert.deepEqual(
    await counted(ended('pass', 'a', { skip: true }), ended('pass', 's', suite), ended('pass', 't', { todo: '' })),
    [
      ['a', 'skipped', 'no reason given'],
      ['s', 'skipped', 'no browser'],
      ['t', 'skipped', 'no reason given'],
    ],
  );
});

test('what fails says why, briefly', async () => {
  const thrown = new Error(Array.from({ length: 40 }, (_, line) => `line ${line}`).join('\n'));
  const details = { type: 'test', error: new Error('wrapped', { cause: thrown }) };
  const [line = ''] = await Array.fromAsync(count([ended('fail', 'a', { details })]));
  const { why } = JSON.parse(line);
  assert.match(why, /^Error: line 0\n/);
  assert.equal(why.split('\n').length, 12);
});
