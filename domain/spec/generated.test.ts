import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandMatrix } from '../matrix/expand.ts';
import { base } from './arbitrary.ts';
import { generationBound, generationHash, specOf } from './generated.ts';
import { parseDocument } from './parse.ts';

const TOPICS = {
  source: 'topics',
  topics: ['tides', 'moss'],
  templates: ['Explain {topic}.', 'Ask about {topic}.', 'Again: {topic}'],
};
const dataset = {
  source: 'generated',
  prompts: TOPICS,
  endpoint: { baseUrl: 'https://host/v1', model: 'writer' },
} as const;

type Fields = Readonly<Record<string, unknown>>;

function parsed(more: Fields = {}, document: Fields = {}) {
  return parseDocument({ ...base, ...document, dataset: { ...dataset, ...more } });
}

function spec(more: Fields = {}) {
  const read = parsed(more);
  assert.ok(read.ok, JSON.stringify(read));
  assert.ok(read.document.dataset.source === 'generated');
  return specOf(read.document.dataset);
}

function issues(more: Fields, document: Fields = {}) {
  const read = parsed(more, document);
  return read.ok ? [] : read.issues;
}

test('a document with generated data has every default filled in, and parses to itself', () => {
  const read = parsed();
  assert.ok(read.ok, JSON.stringify(read));
  assert.deepEqual(parseDocument(read.document), read);
  assert.equal(spec().sampling.maxTokens, 512);
  assert.deepEqual(spec().fields, { text: 'completion' });
});

test('every mistake is named at once, with its path', () => {
  const found = issues(
    {
      prompts: { source: 'topics', topics: [], templates: ['x'] },
      endpoint: { baseUrl: 'https://key@host/v1?q=1', modell: 'writer', apiKeyVariable: 'sk-123' },
      sampling: { temperature: 3 },
      samples: 0,
    },
    { precision: 1 },
  );
  const paths = found.map(({ path }) => path);
  for (const path of [
    'dataset.prompts.topics',
    'dataset.endpoint.baseUrl',
    'dataset.endpoint.model',
    'dataset.endpoint.modell',
    'dataset.endpoint.apiKeyVariable',
    'dataset.sampling.temperature',
    'dataset.samples',
    'precision',
  ])
    assert.ok(paths.includes(path), `${path} in ${paths.join(', ')}`);
  assert.ok(found.every(({ message }) => !message.includes('sk-123') && !message.includes('pattern')));
});

const MISTAKES: readonly (readonly [string, Fields, string, RegExp])[] = [
  [
    'a template without its topic',
    { prompts: { ...TOPICS, templates: ['Write.'] } },
    'dataset.prompts.templates[0]',
    /\{topic\}/,
  ],
  [
    'braces that are no field',
    { prompts: { ...TOPICS, templates: ['{topic} {x}'] } },
    'dataset.prompts.templates[0]',
    /\{x\}/,
  ],
  [
    'a template without a field',
    { prompts: { source: 'file', path: 'a.jsonl', template: '{{x}}' } },
    'dataset.prompts.template',
    /no field/,
  ],
  [
    'one of our variables',
    { endpoint: { ...dataset.endpoint, apiKeyVariable: 'LAMINA_SECRET' } },
    'dataset.endpoint.apiKeyVariable',
    /Lamina itself/,
  ],
  [
    'a key in two places',
    { endpoint: { ...dataset.endpoint, apiKeyVariable: 'KEY', apiKeySecret: { name: 'writer', key: 'token' } } },
    'dataset.endpoint.apiKeySecret',
    /one place/,
  ],
  ['lengths that leave nothing', { filters: { minWords: 9, maxWords: 3 } }, 'dataset.filters.minWords', /no answer/],
  [
    'another split than the scored one',
    { contamination: { fraction: 0.2 } },
    'dataset.contamination.fraction',
    /holds out 0\.1/,
  ],
  ['a column that records have not', { fields: { text: 'answer' } }, 'dataset.fields.text', /prompt, completion/],
];
for (const [what, more, path, message] of MISTAKES) {
  test(`${what} is refused`, () => {
    const found = issues(more);
    assert.deepEqual(
      found.map((one) => one.path),
      [path],
    );
    assert.match(found[0]?.message ?? '', message);
  });
}

test('the hash follows what the data follow from, and nothing else', () => {
  const hash = generationHash(spec());
  const same: readonly Fields[] = [
    { limits: { concurrency: 9 } },
    { endpoint: { ...dataset.endpoint, apiKeyVariable: 'KEY' } },
    { endpoint: { ...dataset.endpoint, apiKeySecret: { name: 'writer', key: 'token' } } },
  ];
  for (const more of same) assert.equal(generationHash(spec(more)), hash, JSON.stringify(more));
  const other: readonly Fields[] = [
    { samples: 2 },
    { system: 'Be brief.' },
    { endpoint: { ...dataset.endpoint, model: 'other' } },
    { sampling: { seed: null } },
    { filters: { minWords: 2 } },
    { fields: { prompt: 'prompt', completion: 'completion' } },
  ];
  for (const more of other) assert.notEqual(generationHash(spec(more)), hash, JSON.stringify(more));
});

test('prompts count by content once that is known', () => {
  const at = (path: string, fingerprint: string | null) =>
    generationHash(spec({ prompts: { source: 'file', path, fingerprint } }));
  assert.equal(at('a.jsonl', 'aa'), at('elsewhere/b.jsonl', 'aa'));
  assert.notEqual(at('a.jsonl', 'aa'), at('a.jsonl', 'bb'));
  assert.notEqual(at('a.jsonl', null), at('b.jsonl', null));
});

test('bounds: every prompt and sample, no token shorter than a byte', () => {
  const priced = { samples: 3, sampling: { maxTokens: 100 }, prices: { inputPerMillion: 1, outputPerMillion: 2 } };
  assert.deepEqual(generationBound(spec({ samples: 3 }), null), { requests: 18, cost: null });
  const topics = generationBound(spec(priced), null);
  // 'Explain tides.' and so on: 14 + 13 + 16 + 15 + 12 + 11 bytes, three times, each request with 64 for its roles.
  assert.deepEqual(topics, { requests: 18, cost: (3 * 81 + 18 * 64 + 18 * 100 * 2) / 1e6 });
  const file = spec({ ...priced, prompts: { source: 'file', path: 'a.jsonl', template: 'Q: {prompt}' } });
  const expected = { requests: 30, cost: (3 * (500 + 10 * 11) + 30 * 64 + 30 * 100 * 2) / 1e6 };
  assert.deepEqual(generationBound(file, { records: 10, bytes: 500 }), expected);
});

test('a matrix can be expanded before the data exist', () => {
  const read = parsed();
  assert.ok(read.ok);
  const context = { trainerRevision: 'r', device: null, layersOf: () => 4, gpus: null };
  const { trials } = expandMatrix(read.document, context);
  assert.ok(trials.length > 0);
  assert.equal(trials[0]?.settings.dataset.source, 'file');
});
