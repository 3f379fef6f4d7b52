import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileDataset, type ModelRef } from '@lamina/domain/contract/settings.ts';
import { templateIssues } from './chat-template.ts';
import { placesFrom } from './paths.ts';

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-templates-'));
  for (const [name, file, content] of [
    ['bare', 'tokenizer_config.json', '{"eos_token": "</s>"}'],
    ['inside', 'tokenizer_config.json', '{"chat_template": "{{ messages }}"}'],
    ['apart', 'chat_template.jinja', '{{ messages }}'],
    ['unknown', 'config.json', '{}'],
  ] as const) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, file), content);
  }
});
after(() => rm(folder, { recursive: true }));

async function problems(names: readonly string[], dataset: object): Promise<readonly string[]> {
  const models = names.map((name): ModelRef => ({ source: 'path', path: `./${name}`, fingerprint: null }));
  const read = fileDataset.parse({ source: 'file', path: 'a.jsonl', format: 'jsonl', ...dataset });
  return (await templateIssues(read, models, placesFrom(folder))).map(({ path, message }) => `${path}: ${message}`);
}

test('messages need a template, of the model or of the document', async () => {
  const all = ['bare', 'inside', 'apart', 'unknown'];
  assert.deepEqual(await problems(all, { fields: { messages: 'messages' } }), [
    `dataset.chatTemplate: ${join(folder, 'bare')} has no chat template, which messages are rendered by`,
  ]);
  assert.deepEqual(await problems(all, { fields: { messages: 'messages' }, chatTemplate: '{{ messages }}' }), []);
  assert.deepEqual(await problems(all, { fields: { text: 'text' } }), []);
  assert.deepEqual(await problems(all, { fields: null }), []);
});
