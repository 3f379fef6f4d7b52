import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryView } from '../contract/estimate.ts';
import { shapeOf } from '../memory/testing/configs.ts';
import { parseDocument } from '../spec/parse.ts';
import { type EstimateContext, estimateDocument, parseEstimateDocument } from './estimate.ts';

const model = { source: 'config', path: './config.json' };
const context: EstimateContext = {
  shapeOf: () => ({ shape: shapeOf('llama-3-8b'), trainer: 'transformers' }),
};

function estimated(document: object, more: Partial<EstimateContext> = {}) {
  const parsed = parseEstimateDocument(document);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return estimateDocument(parsed.document, { ...context, ...more });
}

test('a model and nothing else is enough; a config is found wherever models are named', () => {
  const parsed = parseEstimateDocument({ model });
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.configs, ['./config.json']);
  const several = parseEstimateDocument({ matrix: { model: [model, { ...model, path: './other' }] } });
  assert.ok(several.ok);
  assert.deepEqual(several.configs, ['./config.json', './other']);
});

test('what is submitted may not be a config alone, and the error says so', () => {
  const parsed = parseDocument({ apiVersion: 'lamina/v1', name: 'x', dataset: 'a.jsonl', model });
  assert.ok(!parsed.ok);
  assert.deepEqual(parsed.issues, [
    {
      path: 'model.source',
      message: 'is config: a config.json has no weights to train, it is for lamina estimate alone',
      fix: 'write hf, path or gguf, or run lamina estimate',
    },
  ]);
});

test('long sequences need no word about the evaluation', () => {
  assert.equal(parseEstimateDocument({ model, training: { maxLength: 131_072 } }).ok, true);
});

test('mistakes are named as in any document', () => {
  const parsed = parseEstimateDocument({ model, estimate: { logits: 'half' }, training: { steps: 0 } });
  assert.deepEqual(parsed.ok ? [] : parsed.issues.map(({ path }) => path), ['training.steps', 'estimate.logits']);
  assert.equal(parseEstimateDocument('a: [1,').ok, false);
});

test('every cell has an estimate that keeps the contract, and a deeper one needs more', () => {
  const view = estimated({
    model,
    matrix: { layers: [16, 32], precision: ['bf16', 'nf4'], method: ['lora', 'qlora'] },
  });
  assert.equal(view.cells.length, 4);
  for (const { memory } of view.cells) memoryView.parse(memory);
  const [shallow, deep] = view.cells.filter(({ precision }) => precision === 'nf4');
  assert.ok((shallow?.memory?.peak.processBytes ?? 0) < (deep?.memory?.peak.processBytes ?? 0));
  assert.equal(view.dropped.length, 4);
});

test('every assumption of the document changes the estimate', () => {
  const base = {
    model,
    training: { maxLength: 2048, packing: false, accumulation: 2 },
    matrix: { precision: ['nf4'], method: ['qlora'] },
  };
  const peak = (document: object) => estimated(document).cells[0]?.memory?.peak.processBytes;
  const plain = peak(base);
  for (const estimate of [
    { trainer: 'lamina' },
    { trainer: 'torchtune' },
    { attention: 'eager' },
    { attentionMask: false },
    { logits: 'fused' },
    { optimizer: 'none' },
    { adapterDtype: 'bf16' },
    { kbitPreparation: true },
    { compile: true },
    { activationOffload: true },
    { longestTokens: 512 },
    { meanTokens: 100 },
  ])
    assert.notEqual(peak({ ...base, estimate }), plain, JSON.stringify(estimate));
  const full = { model, matrix: { method: ['full'] }, training: { maxLength: 64 } };
  for (const estimate of [{ optimizerInBackward: true }, { foreach: true }])
    assert.notEqual(peak({ ...full, estimate }), peak(full), JSON.stringify(estimate));
});

test('the GPUs to choose from are those of the document, else those that are given', () => {
  const plan = (document: object, more = {}) => estimated(document, more).cells[0]?.memory?.plan?.gpuClass;
  assert.equal(plan({ model, estimate: { gpus: ['48GiB', '96GiB'] } }), '48.0 GiB');
  assert.equal(plan({ model }, { classes: [{ name: 'own', memoryBytes: 96 * 2 ** 30, perNode: 1 }] }), 'own');
  const none = estimated({ model, estimate: { gpus: ['4GiB'] } }).cells[0]?.memory;
  assert.equal(none?.plan, null);
  assert.match(none?.doesNotFit ?? '', /^needs at least/);
});

test('what no machine could hold is still answered', () => {
  const [cell] = estimated({
    model,
    matrix: { method: ['full'] },
    training: { maxLength: 4_194_304 },
    estimate: { attention: 'eager' },
  }).cells;
  assert.ok(cell?.memory);
  memoryView.parse(cell.memory);
  assert.match(cell.memory.doesNotFit ?? '', /^needs at least/);
});

test('a model that is not known has no estimate, with the reason', () => {
  const view = estimated({ model }, { shapeOf: () => ({ shape: null, message: 'not here' }) });
  assert.deepEqual(
    view.cells.map(({ memory, message }) => [memory, message]),
    [[null, 'not here']],
  );
});

test('several GPUs divide full training, and the base of adapters where another trainer divides it', () => {
  const processBytes = (gpus: number, method: string, trainer: string) => {
    const document = { model, matrix: { method: [method] }, resources: { gpus }, estimate: { trainer } };
    return estimated(document).cells[0]?.memory?.peak.processBytes ?? 0;
  };
  assert.ok(processBytes(4, 'full', 'lamina') < 0.5 * processBytes(1, 'full', 'lamina'));
  assert.equal(processBytes(4, 'lora', 'lamina'), processBytes(1, 'lora', 'lamina'));
  assert.ok(processBytes(4, 'lora', 'torchtune') < processBytes(1, 'lora', 'torchtune'));
});

test('GPUs and their class are those of the document, adapters of another trainer are divided as well', () => {
  const plan = (resources: object, more: object = {}) => estimated({ model, resources, ...more }).cells[0]?.memory;
  const full = { matrix: { method: ['full'] }, training: { accumulation: 2 } };
  const two = plan({ gpus: 2, gpuClass: 'H100' }, full);
  assert.deepEqual([two?.plan?.gpus, two?.plan?.gpuClass], [2, 'H100 (79.1 GiB)']);
  assert.equal(plan({ gpus: 2 }, { training: { accumulation: 2 } })?.plan?.gpus, 2);
  assert.deepEqual(
    two?.classes.map(({ gpuClass }) => gpuClass),
    ['H100 (79.1 GiB)'],
  );
  const strange = plan({ gpuClass: 'TPU' });
  assert.match(strange?.notes.join(' ') ?? '', /resources\.gpuClass TPU is none of RTX 4060/);
  assert.ok(strange?.plan);
});

test('a bare config says that another trainer is meant, and what Lamina’s own would need', () => {
  const notes = (document: object) => estimated(document).cells[0]?.memory?.notes ?? [];
  assert.match(notes({ model })[0] ?? '', /as transformers with PEFT trains it.*own trainer needs \d+\.\d GiB/);
  assert.deepEqual(notes({ model, estimate: { trainer: 'transformers' } }), []);
});

test('targets that match nothing have no estimate, and the layers there are', () => {
  const [cell] = estimated({ model, lora: { targets: ['c_attn'] } }).cells;
  assert.equal(cell?.memory, null);
  assert.match(
    cell?.message ?? '',
    /^lora\.targets name no linear layer of a llama model \(c_attn\).*there are q_proj/,
  );
  assert.notEqual(estimated({ model, lora: { targets: ['self_attn.q_proj'] } }).cells[0]?.memory, null);
});

test('each class says how likely the run fits, more likely the larger it is; the risk decides the plan', () => {
  const memory = (policy: object) => estimated({ model, policy }).cells[0]?.memory;
  const likely = memory({})?.classes.map(({ probability }) => probability) ?? [];
  assert.equal(likely.length, 11);
  assert.deepEqual(
    likely,
    likely.toSorted((a, b) => a - b),
  );
  const plan = (memoryRisk: number) => memory({ memoryRisk })?.plan;
  assert.ok((plan(0.01)?.probability ?? 0) >= 0.99 && (plan(0.4)?.probability ?? 0) >= 0.6);
  assert.ok((plan(0.01)?.gpuMemoryBytes ?? 0) >= (plan(0.4)?.gpuMemoryBytes ?? 0));
});

test('a GPU of twelve bytes is none', () => {
  const parsed = parseEstimateDocument({ model, estimate: { gpus: [12] } });
  assert.deepEqual(parsed.ok ? [] : parsed.issues.map(({ message, fix }) => [message, fix]), [
    ['12 is less than 1 GiB', 'write the unit: "12GiB"'],
  ]);
});
