import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { estimateView } from '@lamina/domain/contract/estimate.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { runCli } from '../main.ts';
import { testIo } from '../testing/io.ts';

const CONFIG = {
  model_type: 'llama',
  hidden_size: 4096,
  intermediate_size: 14_336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 128_256,
};

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-estimate-'));
  await writeFile(join(folder, 'config.json'), JSON.stringify(CONFIG));
  await writeFile(join(folder, 'bert.json'), '{"model_type": "bert"}');
  const matrix = 'matrix: {precision: [bf16, nf4], method: [full, lora, qlora]}\n';
  await writeFile(join(folder, 'config.yaml'), `model: {source: config, path: ./config.json}\n${matrix}`);
  await writeFile(join(folder, 'hub.yaml'), `model: meta-llama/Meta-Llama-3-8B\n${matrix}`);
  await writeFile(join(folder, 'bert.yaml'), `model: {source: config, path: ./bert.json}\n`);
  await writeFile(join(folder, 'wrong.yaml'), 'model: {source: config, path: ./config.json}\ntraining: {steps: 0}\n');
});
after(() => rm(folder, { recursive: true }));

/** No server: the address leads nowhere. */
async function run(...argv: string[]) {
  const io = testIo({ cwd: folder, env: { LAMINA_URL: 'http://127.0.0.1:9' } });
  const code = await runCli(['estimate', ...argv], io);
  return { code, stdout: io.stdout(), stderr: io.stderr() };
}

test('without a server and without weights, every cell has its memory and its GPU', async () => {
  const { code, stdout } = await run('config.yaml');
  assert.equal(code, EXIT_CODES.ok);
  assert.match(stdout, /bf16 · full .* H100 \(79\.1 GiB\)/);
  assert.match(stdout, /nf4 · qlora .* fits at 9\d %/);
  assert.doesNotMatch(stdout, /undefined|NaN|null/);
});

test('as JSON it is the same answer as the API gives, with terms that add up', async () => {
  const { stdout } = await run('config.yaml', '--json');
  const view = estimateView.parse(JSON.parse(stdout));
  for (const { memory } of view.cells) {
    assert.equal(memory?.parameters, 8_030_261_248);
    assert.equal(
      memory?.terms.reduce((sum, { bytes }) => sum + bytes, 0),
      memory?.peak.processBytes,
    );
  }
});

test('terms are shown with their sources, and GPUs can be named', async () => {
  const { stdout } = await run('config.yaml', '--terms', '--gpus', '8GiB,74GiB');
  assert.match(stdout, /CUDA context +0\.50/);
  assert.match(stdout, /LoRA, arXiv 2106\.09685/);
  for (const line of stdout.split('\n')) assert.ok(line.length <= 100, line);
  assert.match(stdout, /74\.0 GiB: micro-batch 1/);
});

test('a model on the hub takes its configuration from --config; without one there is no estimate, and why', async () => {
  assert.match((await run('hub.yaml', '--config', 'config.json')).stdout, /nf4 · qlora .* \d+\.\d\d /);
  const { code, stdout } = await run('hub.yaml');
  assert.equal(code, EXIT_CODES.refused, 'nothing was estimated');
  assert.match(stdout, /–.*no estimate[^]*the configuration is not here \(not on this machine\): give it with/);
});

test('mistakes are explained', async () => {
  const wrong = await run('wrong.yaml');
  assert.equal(wrong.code, EXIT_CODES.usage);
  assert.match(wrong.stderr, /the document has 1 mistake[^]*training\.steps/);
  assert.match((await run('bert.yaml')).stdout, /bert\.json describes a model of type\s+'bert'; known are\s+llama/);
  const unitless = await run('config.yaml', '--gpus', '12');
  assert.equal(unitless.code, EXIT_CODES.usage);
  assert.match(unitless.stderr, /"12" is less than 1 GiB of GPU memory[^]*12GiB/);
  assert.match((await run('config.yaml', '--set', 'model.path=./none.json')).stderr, /none\.json cannot be read/);
});
