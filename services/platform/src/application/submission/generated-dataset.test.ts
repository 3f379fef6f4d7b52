import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { generatedDataset } from '@lamina/domain/spec/generated.ts';
import type { Mount } from '../ports/runner-facts.ts';
import { createFingerprints } from './fingerprints.ts';
import { keyIssue, resolveGenerated } from './generated-dataset.ts';
import { createInputFiles } from './input-files.ts';
import { placesFrom } from './paths.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-generated-'));
after(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return createHash('sha256').update(content).digest('hex');
}

function dataset(more: Readonly<Record<string, unknown>>) {
  return generatedDataset.parse({
    source: 'generated',
    endpoint: { baseUrl: 'https://host/v1', model: 'writer' },
    prompts: { source: 'topics', topics: ['tides'], templates: ['Explain {topic}.'] },
    ...more,
  });
}

function resolve(more: Readonly<Record<string, unknown>>, mounts: readonly Mount[] | null = null) {
  const artifacts = { localPath: (key: string) => `/artifacts/${key}` };
  const context = {
    places: placesFrom(folder),
    fingerprints: createFingerprints(),
    inputFiles: createInputFiles(mounts, artifacts),
  };
  return resolveGenerated(dataset(more), context);
}

test('files are found from the folder of the document, counted, and known by their content', async () => {
  const fingerprint = write('prompts.jsonl', '{"q": "one", "n": 1}\n\n{"q": "two", "n": 2}\n');
  const scored = write('benchmark.jsonl', '{"text": "scored"}\n');
  const found = await resolve({
    prompts: { source: 'file', path: 'prompts.jsonl', template: '{n}. {q}' },
    contamination: { files: [{ path: './benchmark.jsonl' }] },
  });
  assert.deepEqual(found.issues, []);
  assert.deepEqual(found.promptFile, { records: 2, bytes: 43 });
  assert.ok(found.dataset.prompts.source === 'file');
  assert.deepEqual(
    [found.dataset.prompts.path, found.dataset.prompts.fingerprint],
    [join(folder, 'prompts.jsonl'), fingerprint],
  );
  assert.equal(found.dataset.contamination.files[0]?.fingerprint, scored);
});

test('what is wrong with the files is said all at once', async () => {
  write('fields.jsonl', '{"question": "one"}\n');
  const { issues } = await resolve({
    prompts: { source: 'file', path: 'fields.jsonl' },
    endpoint: { gguf: 'nowhere.gguf' },
    contamination: { files: [{ path: 'gone.jsonl' }] },
  });
  assert.deepEqual(
    issues.map(({ path }) => path),
    ['dataset.endpoint.gguf', 'dataset.contamination.files[0].path', 'dataset.prompts.template'],
  );
  assert.match(issues[2]?.message ?? '', /line 1 .* no field 'prompt'; it has: question/);
  write('broken.jsonl', 'one\n');
  write('empty.jsonl', '\n');
  for (const [path, message] of [
    ['broken.jsonl', /line 1 .* is not a JSON object/],
    ['empty.jsonl', /has no records/],
  ] as const) {
    const [issue] = (await resolve({ prompts: { source: 'file', path } })).issues;
    assert.match(issue?.message ?? '', message);
  }
});

test('a file that changed since its fingerprint was taken is refused', async () => {
  write('changed.jsonl', '{"prompt": "one"}\n');
  const { issues } = await resolve({ prompts: { source: 'file', path: 'changed.jsonl', fingerprint: 'aa' } });
  assert.match(issues[0]?.message ?? '', /fingerprint/);
});

test('what pods do not see is brought to the artifact store', async () => {
  const fingerprint = write('far.jsonl', '{"prompt": "one"}\n');
  const found = await resolve({ prompts: { source: 'file', path: 'far.jsonl' } }, [{ folder: '/mnt', as: '/data' }]);
  const key = `inputs/${fingerprint}/far.jsonl`;
  assert.deepEqual(found.copies, [{ from: join(folder, 'far.jsonl'), key }]);
  assert.ok(found.dataset.prompts.source === 'file' && found.dataset.prompts.path === `/artifacts/${key}`);
});

test('a key has to be where the trainer runs', () => {
  const variable = dataset({ endpoint: { baseUrl: 'https://host/v1', model: 'w', apiKeyVariable: 'KEY' } });
  const secret = dataset({
    endpoint: { baseUrl: 'https://host/v1', model: 'w', apiKeySecret: { name: 'a', key: 'b' } },
  });
  assert.equal(keyIssue(variable, null), null);
  assert.equal(keyIssue(secret, []), null);
  assert.match(keyIssue(variable, [])?.fix ?? '', /apiKeySecret/);
  assert.match(keyIssue(secret, null)?.fix ?? '', /apiKeyVariable/);
});
