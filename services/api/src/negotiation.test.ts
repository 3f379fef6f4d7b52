import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preferred } from './negotiation.ts';

const offered = ['application/json', 'text/csv', 'text/html'];

for (const [accept, expected] of [
  [undefined, 'application/json'],
  ['', 'application/json'],
  ['*/*', 'application/json'],
  ['text/csv', 'text/csv'],
  ['TEXT/CSV; header=present', 'text/csv'],
  ['text/*', 'text/csv'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html'],
  ['text/csv;q=0.5, application/json;q=0.4', 'text/csv'],
  ['application/json;q=0, */*', 'text/csv'],
  ['text/*;q=0.1, text/html', 'text/html'],
  ['image/png', null],
  ['*/*;q=0', null],
] as const) {
  test(`Accept: ${accept ?? '(none)'} gives ${expected}`, () => assert.equal(preferred(accept, offered), expected));
}
