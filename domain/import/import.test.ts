import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDocument } from '../spec/parse.ts';
import type { Tree } from './draft.ts';
import { importDocument, importedText } from './import.ts';
import type { SourceName } from './source.ts';
import { AXOLOTL, KATIB, LLAMA_FACTORY, TRL, WANDB, WANDB_GRID } from './testing/files.ts';

function read(text: string, from: SourceName | null = null) {
  const imported = importDocument(text, from);
  assert.ok(imported.ok, JSON.stringify(imported));
  const parsed = parseDocument(importedText(imported));
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return {
    ...imported,
    keys: imported.left.map(({ key }) => key),
    why: Object.fromEntries(imported.left.map(({ key, why }) => [key, why])),
  };
}

test('LLaMA-Factory: a QLoRA run', () => {
  const { title, document, why, placeholders } = read(LLAMA_FACTORY);
  assert.equal(title, 'LLaMA-Factory');
  assert.deepEqual(document, {
    apiVersion: 'lamina/v1',
    name: 'imported from LLaMA-Factory',
    model: 'meta-llama/Meta-Llama-3-8B-Instruct',
    dataset: { source: 'file', path: './data/identity.jsonl', format: 'jsonl' },
    matrix: { method: ['qlora'], precision: ['nf4-dq'] },
    training: {
      packing: false,
      checkpointing: true,
      maxLength: 2048,
      logEvery: 10,
      checkpointEvery: 500,
      microBatch: 1,
      accumulation: 8,
      learningRate: 1e-4,
      schedule: 'cosine',
    },
    lora: { r: 8, targets: 'all-linear' },
    quantization: { computeDtype: 'bf16' },
    evaluation: { fraction: 0.1, microBatch: 1 },
  } satisfies Tree);
  assert.deepEqual(placeholders, []);
  assert.match(why['num_train_epochs'] ?? '', /training\.steps/);
  assert.match(why['template'] ?? '', /chat template/);
  assert.match(why['max_samples'] ?? '', /cut the file/);
  assert.match(why['warmup_ratio'] ?? '', /unknown number of steps/);
  assert.match(why['trust_remote_code'] ?? '', /never run/);
  assert.ok(!('bf16' in why) && !('stage' in why) && !('lora_rank' in why));
});

test('axolotl: LoRA over 8 bits, with two data sets', () => {
  const { title, document, keys, why } = read(AXOLOTL);
  assert.equal(title, 'axolotl');
  assert.deepEqual(document['dataset'], { source: 'hf', id: 'mhenrichsen/alpaca_2k_test', loss: 'answers' });
  assert.deepEqual(document['matrix'], { method: ['qlora'], precision: ['int8'] });
  assert.deepEqual(document['lora'], { r: 32, alpha: 16, dropout: 0.05, targets: 'all-linear' });
  assert.deepEqual(document['training'], {
    packing: true,
    maxLength: 4096,
    accumulation: 4,
    microBatch: 2,
    steps: 200,
    optimizer: 'adamw-8bit',
    schedule: 'cosine',
    learningRate: 0.0002,
    checkpointing: true,
    weightDecay: 0,
    warmupSteps: 20,
  });
  assert.match(why['datasets'] ?? '', /data\/more\.jsonl stays out/);
  assert.match(why['datasets[0].type'] ?? '', /alpaca.*dataset\.fields/);
  assert.ok(['num_epochs', 'evals_per_epoch', 'flash_attention', 'model_type'].every((key) => keys.includes(key)));
  // Off, or empty: nothing is lost.
  assert.ok(['load_in_4bit', 'wandb_project', 'lora_model_dir', 'tf32'].every((key) => !keys.includes(key)));
});

test('axolotl: kinds of records that Lamina has as well', () => {
  const fields = (dataset: string) => {
    const { document } = read(`base_model: a/b\ndatasets:\n  - ${dataset}\n`);
    return (document['dataset'] as Tree)['fields'];
  };
  assert.deepEqual(fields('{path: chat.jsonl, type: chat_template, field_messages: turns}'), { messages: 'turns' });
  assert.deepEqual(fields('{path: a/b, type: sharegpt}'), { messages: 'conversations' });
  assert.deepEqual(fields('{path: a/b, type: completion, field: body}'), { text: 'body' });
});

test('TRL: full training in mixed precision', () => {
  const { title, document, why } = read(TRL);
  assert.equal(title, 'TRL');
  assert.equal(document['model'], 'Qwen/Qwen2.5-0.5B');
  assert.deepEqual(document['dataset'], { source: 'hf', id: 'trl-lib/Capybara', split: 'train', loss: 'answers' });
  assert.deepEqual(document['matrix'], { seed: [7], method: ['full'], precision: ['fp32'] });
  const training = document['training'] as Tree;
  assert.deepEqual([training['mixedPrecision'], training['maxGradNorm'], training['warmupSteps']], ['bf16', null, 30]);
  assert.match(why['optim'] ?? '', /no "paged_adamw_32bit"; it has adamw, adamw-8bit/);
  assert.match(why['lr_scheduler_type'] ?? '', /linear, cosine, constant/);
  assert.match(why['push_to_hub'] ?? '', /nothing leaves/);
});

test('Katib: parameters by the flags that trials are given them with', () => {
  const { title, document, why } = read(KATIB);
  assert.equal(title, 'Katib');
  assert.equal(document['name'], 'llama-lora');
  assert.equal(document['model'], 'meta-llama/Llama-3.2-1B');
  assert.deepEqual(document['dataset'], { source: 'hf', id: 'tatsu-lab/alpaca' });
  assert.deepEqual(document['search'], {
    parallel: 3,
    trials: 12,
    sampler: 'tpe',
    pruner: { kind: 'median' },
    parameters: {
      'training.learningRate': { low: 1e-5, high: 1e-3, log: true },
      'lora.r': { choices: [8, 16, 32] },
    },
  });
  assert.deepEqual(document['policy'], { maxParallel: 3 });
  assert.equal((document['training'] as Tree)['steps'], 200);
  assert.match(why['num-layers'] ?? '', /no such setting/);
  assert.match(why['resources of trialSpec'] ?? '', /--cluster/);
});

test('W&B: a search, and a grid as axes of the matrix', () => {
  const { title, document, why, placeholders } = read(WANDB);
  assert.equal(title, 'a W&B sweep');
  assert.deepEqual(document['search'], {
    trials: 30,
    sampler: 'tpe',
    pruner: { kind: 'hyperband', warmupSteps: 3 },
    parameters: {
      'training.learningRate': { low: 1e-5, high: 1e-3, log: true },
      'training.microBatch': { choices: [4, 8, 16] },
      'lora.dropout': { low: 0, high: 0.3 },
    },
  });
  assert.deepEqual(document['objective'], { metric: 'loss' });
  assert.match(why['optimizer'] ?? '', /no "adam"/);
  assert.match(why['fc_layer_size'] ?? '', /no such setting/);
  assert.deepEqual(
    placeholders.map(({ key }) => key),
    ['dataset'],
  );
  const grid = read(WANDB_GRID).document;
  assert.deepEqual(grid['matrix'], { 'training.learningRate': [0.0001, 0.0003], seed: [1, 2, 3] });
  assert.equal(grid['search'], undefined);
});

test('what the document cannot have is taken out, and says so', () => {
  const { document, why } = read('base_model: a/b\nlearning_rate: -1\nmicro_batch_size: 2.5\nlora_r: many\n');
  assert.deepEqual(document['training'], { packing: false });
  assert.match(why['training.learningRate'] ?? '', /default holds/);
  assert.match(why['training.microBatch'] ?? '', /default holds/);
  assert.match(why['lora_r'] ?? '', /"many" is no number/);
});

test('a file of no known tool is refused, unless the tool is named', () => {
  const unknown = importDocument('learning_rate: 1\n', null);
  assert.ok(!unknown.ok);
  assert.match(unknown.fix, /--from llama-factory, axolotl, trl, katib, wandb/);
  assert.equal(read('learning_rate: 0.1\n', 'trl').title, 'TRL');
  for (const text of ['', '- a\n', 'a: [', 'just words']) assert.ok(!importDocument(text, null).ok, text);
});

test('the comments on top name what did not carry over, and the text is a document', () => {
  const imported = importDocument(TRL, null);
  assert.ok(imported.ok);
  const text = importedText(imported);
  assert.match(text, /^# Imported from TRL\.\n# Not carried over:\n# - optim: /);
  for (const { key } of imported.left) assert.ok(text.includes(`# - ${key}: `), key);
});

test('whatever the values are, the result is a document, and every key is carried over or named', () => {
  const value = fc.oneof(
    fc.string(),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.string()),
  );
  const keys = [
    'learning_rate',
    'lora_r',
    'max_steps',
    'seed',
    'optim',
    'dataset_name',
    'warmup_ratio',
    'bf16',
    'load_in_4bit',
    'max_length',
  ];
  const settings = fc.dictionary(fc.constantFrom(...keys), value);
  fc.assert(
    fc.property(settings, fc.constantFrom('trl', 'llama-factory', 'axolotl', 'wandb', 'katib'), (given, from) => {
      const imported = importDocument(JSON.stringify(given), from);
      assert.ok(imported.ok);
      const parsed = parseDocument(importedText(imported));
      assert.ok(parsed.ok, JSON.stringify(parsed));
    }),
    { numRuns: 60 },
  );
});
