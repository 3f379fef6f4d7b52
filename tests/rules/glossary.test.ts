/** The glossary has each word once, in order, and names only files and folders that exist. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const text = readFileSync(join(root, 'docs/glossary.md'), 'utf8');
const lines = [...text.matchAll(/^\| (.+?) \| (.+) \|$/gm)]
  .map(([, word, meaning]) => ({ word: word ?? '', meaning: meaning ?? '' }))
  .slice(1);
const plain = ({ word }: { readonly word: string }) => word.replaceAll('`', '').toLowerCase();

test('each word occurs once, in the order of the alphabet', () => {
  const words = lines.map(plain);
  assert.ok(words.length > 80);
  assert.deepEqual(words, [...new Set(words)].toSorted(new Intl.Collator('en').compare));
});

test('every file and folder that the glossary names exists', () => {
  const named = lines.flatMap(({ meaning }) => [...meaning.matchAll(/`((?:domain|k8s|services|workflows)\/[^`]+)`/g)]);
  assert.ok(named.length > 20);
  assert.deepEqual(
    named.map(([, path]) => path ?? '').filter((path) => !existsSync(join(root, path))),
    [],
  );
});

test('every package of the trainer has a line', () => {
  const described = lines.flatMap(({ word }) => /^trainer: `(\w+)`$/.exec(word)?.[1] ?? []);
  const layers = /^layers = \[$([^\]]*)^\]$/m.exec(
    readFileSync(join(root, 'python-trainer/pyproject.toml'), 'utf8'),
  )?.[1];
  const packages = [...(layers ?? '').matchAll(/\w+/g)].map(([name]) => name);
  assert.deepEqual(
    packages.filter(
      (name) => existsSync(join(root, 'python-trainer/src/lamina_trainer', name)) && !described.includes(name),
    ),
    [],
  );
});
