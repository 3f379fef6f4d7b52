import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDocument } from './parse.ts';
import { MAX_TEXT, readText } from './text.ts';

function refusal(text: string): string {
  const read = readText(text);
  assert.ok('issues' in read, 'it was read');
  return read.issues.map(({ message }) => message).join('\n');
}

test('YAML and JSON say the same', () => {
  const value = { a: [1, 2e-4, 'x', null, true], b: { c: '' } };
  assert.deepEqual(readText(JSON.stringify(value)), { value });
  assert.deepEqual(readText('a: [1, 2e-4, x, null, true]\nb:\n  c: ""\n'), { value });
});

test('YAML 1.2: no and on are words, anchors work', () => {
  assert.deepEqual(readText('a: no\nb: &x {c: on}\nd: *x'), { value: { a: 'no', b: { c: 'on' }, d: { c: 'on' } } });
});

test('syntax errors come with line and column', () => {
  assert.match(refusal('a: 1\nb: [1'), /^line 2, column \d+: /);
  assert.match(refusal('a: 1\nb:\n  c: 1\n  d: 2\n  c: 3'), /^line 5, column 3: the key "c" is written twice$/);
  assert.match(refusal('a: 1\n---\nb: 2'), /second document/);
  assert.match(refusal('a: !!js/function x'), /Unresolved tag/);
  assert.match(refusal(''), /empty/);
});

const HOSTILE: Readonly<Record<string, string>> = {
  'a bomb of aliases': [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghi'
      .split('')
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(',')}]`),
  ].join('\n'),
  'one value aliased too often': `a: &a [1]\nb: [${'*a,'.repeat(20_000)}]`,
  'open brackets': '['.repeat(MAX_TEXT),
  'nested dashes': '- '.repeat(MAX_TEXT / 2),
  'question marks': '? '.repeat(MAX_TEXT / 2),
  indentation: Array.from({ length: 350 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
  'one key over and over': 'a: 1\n'.repeat(MAX_TEXT / 5),
  commas: `[${','.repeat(MAX_TEXT - 2)}]`,
  quotes: '"'.repeat(MAX_TEXT),
  'ten megabytes': 'x'.repeat(10_000_000),
};

for (const [name, text] of Object.entries(HOSTILE)) {
  test(`hostile text is refused in little time: ${name}`, () => {
    const before = process.cpuUsage();
    const parsed = parseDocument(text);
    assert.ok(!parsed.ok && parsed.issues.length <= 21);
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 3_000_000, `${user + system} µs of processor time`);
    assert.doesNotMatch(JSON.stringify(parsed.issues), /call stack/);
  });
}

test('thousands of unknown keys are refused, and listed only so far', () => {
  const parsed = parseDocument(Array.from({ length: 6000 }, (_, index) => `k${index}: 1`).join('\n'));
  assert.ok(!parsed.ok);
  assert.equal(parsed.issues.length, 201);
  assert.match(parsed.issues.at(-1)?.message ?? '', /further mistakes/);
});

test('a key named __proto__ is an unknown field like any other', () => {
  const parsed = parseDocument('__proto__: {polluted: true}\nmatrix: {__proto__: [1]}');
  assert.ok(!parsed.ok);
  assert.deepEqual(
    parsed.issues.filter(({ path }) => path.includes('__proto__')).map(({ path }) => path),
    ['__proto__', 'matrix.__proto__'],
  );
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});
