import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileDataset } from '@lamina/domain/contract/settings.ts';
import { checkColumns, checkUse, shapeOf } from './record-shape.ts';

test('the columns of a record say its shape; text goes first, and what fits twice or not at all is asked for', () => {
  assert.deepEqual(shapeOf({ text: '', messages: [] }), { text: 'text' });
  assert.deepEqual(shapeOf({ id: 1, completion: '', prompt: '' }), { prompt: 'prompt', completion: 'completion' });
  assert.deepEqual(shapeOf({ messages: [] }), { messages: 'messages', tools: 'tools' });
  assert.deepEqual(shapeOf({ conversations: [] }), { messages: 'conversations', tools: 'tools' });
  for (const [record, message] of [
    [{ prompt: '', body: '' }, /do not say .*: prompt, body/],
    [{ messages: [], conversations: [] }, /several shapes.*: messages, conversations/],
  ] as const) {
    const problem = shapeOf(record);
    assert.ok('message' in problem);
    assert.equal(problem.path, 'dataset.fields');
    assert.match(problem.message, message);
    assert.match(problem.fix ?? '', /messages: COLUMN/);
  }
});

test('columns that hold something else are told with the shape that they would fit', () => {
  const chat = [{ chat: [{ role: 'user', content: 'Hi' }] }, { chat: [{ from: 'human', value: 'Hi' }] }];
  assert.deepEqual(checkColumns(chat, { messages: 'chat', tools: 'tools' }), []);
  assert.deepEqual(checkColumns([{ chat: 'Hi' }], { messages: 'chat', tools: 'tools' }), [
    {
      path: 'dataset.fields.messages',
      message: "column 'chat' of record 1 is not a list of messages",
      fix: 'a message is {role, content} or {from, value}',
    },
  ]);
  assert.deepEqual(checkColumns(chat, { text: 'chat' }), [
    {
      path: 'dataset.fields.text',
      message: "column 'chat' of record 1 is not text",
      fix: 'write fields: {messages: chat}',
    },
  ]);
  const [lacking] = checkColumns(chat, { messages: 'chats', tools: null });
  assert.match(`${lacking?.message} ${lacking?.fix}`, /no column 'chats'; it has: chat did you mean 'chat'/);
});

test('settings that a shape has no use for are mistakes', () => {
  const dataset = (more: object) => fileDataset.parse({ source: 'file', path: 'a.jsonl', format: 'jsonl', ...more });
  const paths = (more: object) => checkUse(dataset(more)).map(({ path }) => path);
  assert.deepEqual(paths({ loss: 'answers', chatTemplate: '{{ messages }}' }), [
    'dataset.loss',
    'dataset.chatTemplate',
  ]);
  assert.deepEqual(paths({ fields: { prompt: 'p', completion: 'c' }, loss: 'answers' }), []);
  assert.deepEqual(paths({ fields: { messages: 'm' }, loss: 'answers', chatTemplate: '{{ messages }}' }), []);
  assert.deepEqual(paths({ fields: null, loss: 'answers' }), [], 'the trainer will know');
});
