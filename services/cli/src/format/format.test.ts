import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chalk } from 'chalk';
import fc from 'fast-check';
import { CliError, ProblemError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { bar } from './bar.ts';
import { heated } from './heat.ts';
import { errorText } from './problem.ts';
import { bytesOf } from './size.ts';
import { table } from './table.ts';
import { counted, shortened, wrapped } from './text.ts';
import { ago, duration, elapsed } from './time.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const plain = new Chalk({ level: 0 });

test('time for people', () => {
  const before = (seconds: number) => ago(new Date(NOW - seconds * 1000).toISOString(), NOW);
  assert.deepEqual([3, 42, 200, 3700, 7300, 90_000, 200_000].map(before), [
    'just now',
    '42 s ago',
    '3 min ago',
    '1 hour ago',
    '2 hours ago',
    '1 day ago',
    '2 days ago',
  ]);
  assert.equal(before(-5), 'just now', 'a clock that is behind');
  assert.deepEqual([0, 0.4, 45, 252, 3780, 93_600].map(duration), ['0s', '400ms', '45s', '4m 12s', '1h 3m', '1d 2h']);
  assert.equal(elapsed('2026-03-01T11:59:00Z', null, NOW), 60);
  assert.equal(elapsed(null, null, NOW), null);
});

test('sizes as people write them', () => {
  assert.deepEqual(['16GiB', '24 GB', '1024', '0.5kib'].map(bytesOf), [16 * 2 ** 30, 24e9, 1024, 512]);
  for (const wrong of ['', '16 apples', '-1GiB', '0']) {
    assert.throws(
      () => bytesOf(wrong),
      (error) => error instanceof CliError && error.exitCode === EXIT_CODES.usage,
    );
  }
});

test('bars fill in eighths and keep their width', () => {
  assert.equal(bar(0, 4), '░░░░');
  assert.equal(bar(1, 4), '████');
  assert.equal(bar(0.5, 4), '██░░');
  assert.equal(bar(0.53, 4), '██▏░');
  fc.assert(
    fc.property(fc.double({ min: -1, max: 2, noNaN: true }), fc.integer({ min: 1, max: 50 }), (share, width) => {
      assert.equal(bar(share, width).length, width);
    }),
  );
});

test('property: wrapped lines fit, and no word is lost', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 }),
      fc.integer({ min: 16, max: 80 }),
      (words, width) => {
        const lines = wrapped(words.join(' '), width, '  ');
        for (const line of lines.split('\n')) assert.ok(line.length <= width);
        assert.equal(lines.split(/\s+/).filter(Boolean).join(' '), words.join(' '));
      },
    ),
  );
});

test('short texts', () => {
  assert.equal(shortened('abcdef', 4), 'abc…');
  assert.equal(shortened('abc', 4), 'abc');
  assert.equal(counted(1, 'trial'), '1 trial');
  assert.equal(counted(0, 'trial'), '0 trials');
});

test('tables align, with and without colours', () => {
  const columns = [{ title: 'cell' }, { title: 'loss\nnats', align: 'right' }] as const;
  assert.equal(
    table(columns, [
      ['a', '1.25'],
      ['long one', '10.5'],
    ]),
    'cell      loss\n          nats\na         1.25\nlong one  10.5',
  );
  const colored = new Chalk({ level: 3 });
  const lines = table(columns, [[colored.red('a'), '1.25']]).split('\n');
  assert.ok(lines[2]?.includes('\u001b[31ma\u001b[39m'));
});

test('the better end of a column, the worse one and the middle are told apart', () => {
  assert.equal(heated('x', 1, plain), 'x');
  const colored = new Chalk({ level: 3 });
  assert.notEqual(heated('x', 1, colored), heated('x', 0, colored));
  assert.equal(heated('x', 0.5, colored), 'x', 'the middle stays plain');
});

test('a refused document reads as path, message, fix', () => {
  const error = new ProblemError({
    type: 'about:blank',
    title: 'The document has mistakes',
    status: 422,
    code: 'invalid-document',
    errors: [
      { path: 'matrix.layers[1]', message: 'must be at least 1', fix: 'give a number between 1 and 18' },
      { path: '', message: 'has no name' },
    ],
  });
  assert.equal(error.exitCode, EXIT_CODES.usage);
  assert.equal(
    errorText(error, plain, 80),
    `error the document has 2 mistakes

  matrix.layers[1]
    must be at least 1
    → give a number between 1 and 18

  document
    has no name
`,
  );
});

test('an error says what to do', () => {
  const error = new CliError('there is no experiment yet', EXIT_CODES.notFound, { fix: 'submit one' });
  assert.equal(errorText(error, plain, 80), 'error there is no experiment yet\n  → submit one\n');
  const status = (code: number) => new ProblemError({ type: '', title: 'x', status: code, code: 'x' }).exitCode;
  assert.deepEqual([404, 409, 422, 500].map(status), [4, 5, 2, 6]);
});
