import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { problem } from '@lamina/domain/contract/api.ts';
import { writeModel } from '@lamina/platform/application/submission/testing/model-folder.ts';
import { smallDocument, testApi } from '../support/api.ts';

let api: Awaited<ReturnType<typeof testApi>>;
before(async () => {
  api = await testApi();
});
after(() => api.close());

async function submit(document: unknown) {
  const response = await api.app.inject({ method: 'POST', url: '/v1/experiments', payload: { document } });
  return { status: response.statusCode, problem: problem.parse(response.json()) };
}

/** Whatever was sent, the service answers the next request. */
async function lives() {
  assert.equal((await api.app.inject('/healthz')).statusCode, 200);
}

describe('a document with mistakes', () => {
  test('eleven mistakes give eleven errors, each with its path, and a fix where one is known', async () => {
    const { status, problem: answer } = await submit(`
apiVersion: lamina/v2
name: ''
model: ./no-such-model
dataset: {source: file, path: notes.jsonl, format: jsonl, fields: {text: txet}}
matrix:
  layers: [0]
  precision: [bf16, nf5]
  methods: [lora]
  seed: [-1]
training: {learningRat: 0.1, steps: 0}
policy: {maxParallel: 0}
`);
    assert.equal(status, 422);
    assert.equal(answer.code, 'invalid-document');
    const paths = (answer.errors ?? []).map((error) => error.path);
    assert.deepEqual(paths.toSorted(), [
      'apiVersion',
      'dataset.fields.text',
      'matrix.layers[0]',
      'matrix.methods',
      'matrix.precision[1]',
      'matrix.seed[0]',
      'model.path',
      'name',
      'policy.maxParallel',
      'training.learningRat',
      'training.steps',
    ]);
    const fixes = Object.fromEntries((answer.errors ?? []).map((error) => [error.path, error.fix]));
    assert.match(fixes['dataset.fields.text'] ?? '', /text/);
    assert.match(fixes['training.learningRat'] ?? '', /learningRate/);
    assert.match(fixes['matrix.methods'] ?? '', /method/);
    assert.match(answer.detail ?? '', /11 mistakes/);
  });

  test('more layers than the model has: every cell is dropped, and the answer says why', async () => {
    const { status, problem: answer } = await submit({
      ...smallDocument(),
      matrix: { layers: [9], precision: 'bf16', method: 'lora', seed: [1] },
    });
    assert.equal(status, 422);
    assert.match(answer.errors?.[0]?.message ?? '', /9 layers.*8/);
  });

  test('only impossible cells: the reasons are named', async () => {
    const { problem: answer } = await submit({
      ...smallDocument(),
      matrix: { layers: [8], precision: 'nf4', method: 'full', seed: [1] },
    });
    assert.match(answer.errors?.[0]?.message ?? '', /nf4/);
  });

  test('references that lead nowhere are named with what was looked for', async () => {
    await writeFile(join(api.folder, 'broken.jsonl'), '{"text": "a"}\nnot json\n');
    await writeFile(join(api.folder, 'empty.jsonl'), '');
    await writeFile(join(api.folder, 'numbers.jsonl'), '{"text": 1}\n');
    await writeFile(join(api.folder, 'broken.gguf'), 'no gguf');
    for (const [change, path, message] of [
      [{ dataset: 'none.jsonl' }, 'dataset.path', /does not exist/],
      [{ dataset: 'broken.jsonl' }, 'dataset.path', /line 2 .*is not JSON/],
      [{ dataset: 'empty.jsonl' }, 'dataset.path', /no records/],
      [{ dataset: 'numbers.jsonl' }, 'dataset.fields.text', /not text/],
      [{ model: './broken.gguf' }, 'model.path', /not a readable GGUF/],
      [{ model: './notes.jsonl' }, 'model.path', /not a folder/],
      [{ model: '.' + '/' }, 'model.path', /no config.json/],
    ] as const) {
      const { status, problem: answer } = await submit({ ...smallDocument(), ...change });
      assert.equal(status, 422, JSON.stringify(change));
      assert.equal(answer.errors?.[0]?.path, path, JSON.stringify(change));
      assert.match(answer.errors?.[0]?.message ?? '', message);
    }
  });

  test('a fingerprint that does not fit its file is refused', async () => {
    const dataset = { source: 'file', path: 'notes.jsonl', format: 'jsonl', fingerprint: 'old' };
    const { problem: answer } = await submit({ ...smallDocument(), dataset });
    assert.equal(answer.errors?.[0]?.path, 'dataset.fingerprint');
  });

  test('a quantized checkpoint is refused in any precision but its own, at the precision and with what to do', async () => {
    const config = { num_hidden_layers: 8, quantization_config: { quant_method: 'gptq', bits: 4 } };
    await writeModel(join(api.folder, 'llama-gptq'), config);
    const document = (precision: string, method: string) => ({
      ...smallDocument(),
      model: './llama-gptq',
      matrix: { layers: [4], precision, method, seed: [1] },
    });
    const { status, problem: answer } = await submit(document('bf16', 'lora'));
    assert.equal(status, 422);
    assert.deepEqual(
      (answer.errors ?? []).map(({ path }) => path),
      ['matrix.precision'],
    );
    assert.match(answer.errors?.[0]?.message ?? '', /llama-gptq is a gptq checkpoint.*use precision gptq/);
    const payload = { document: document('gptq', 'qlora') };
    const preview = await api.app.inject({ method: 'POST', url: '/v1/experiments/preview', payload });
    assert.equal(preview.statusCode, 200);
    assert.deepEqual(preview.json().dropped, []);
  });

  test('a matrix beyond all measure is refused before it is expanded', async () => {
    const seeds = Array.from({ length: 1000 }, (_, index) => index);
    const matrix = { ...(smallDocument()['matrix'] as object), seed: seeds, 'lora.r': seeds.slice(1, 200) };
    const { status, problem: answer } = await submit({ ...smallDocument(), matrix });
    assert.equal(status, 422);
    assert.match(answer.errors?.[0]?.message ?? '', /398,000 trials/);
    await lives();
  });
});

describe('a hostile body', () => {
  test('broken YAML is placed, and a YAML bomb is refused', async () => {
    const broken = await submit('name: [1, 2');
    assert.equal(broken.status, 422);
    assert.match(broken.problem.errors?.[0]?.message ?? '', /line 1/);
    const levels = Array.from({ length: 9 }, (_, level) => {
      const inner = level === 0 ? '"x"' : `*a${level - 1}`;
      return `a${level}: &a${level} [${Array.from({ length: 9 }, () => inner).join(', ')}]`;
    });
    const bomb = await submit(levels.join('\n'));
    assert.equal(bomb.status, 422);
    const deep = await submit(`${'['.repeat(100_000)}`);
    assert.equal(deep.status, 422);
    await lives();
  });

  test('a body of ten megabytes, broken JSON, another type: each has its code', async () => {
    for (const [payload, type, status, code] of [
      [`{"document":"${'x'.repeat(10_000_000)}"}`, 'application/json', 413, 'body-too-large'],
      ['x'.repeat(10_000_000), 'application/yaml', 413, 'body-too-large'],
      ['{"document":', 'application/json', 400, 'malformed-body'],
      ['{"__proto__": {"x": 1}, "document": {}}', 'application/json', 400, 'malformed-body'],
      ['<xml/>', 'application/xml', 415, 'unsupported-media-type'],
      ['document', 'text/plain', 415, 'unsupported-media-type'],
      ['', 'application/json', 400, 'invalid-request'],
      ['[]', 'application/json', 400, 'invalid-request'],
      ['{}', 'application/json', 400, 'invalid-request'],
      ['""', 'application/yaml', 422, 'invalid-document'],
      ['', 'application/yaml', 422, 'invalid-document'],
    ] as const) {
      const url = '/v1/experiments';
      const response = await api.app.inject({ method: 'POST', url, payload, headers: { 'content-type': type } });
      const label = `${type} ${payload.slice(0, 20)}: ${response.body.slice(0, 300)}`;
      assert.equal(response.statusCode, status, label);
      assert.equal(problem.parse(response.json()).code, code, label);
    }
    await lives();
  });

  test('mistakes in the query are named with their path', async () => {
    const response = await api.app.inject('/v1/experiments?limit=0&state=dreaming');
    assert.equal(response.statusCode, 400);
    const { errors } = problem.parse(response.json());
    assert.deepEqual(
      errors?.map((error) => error.path),
      ['query.limit', 'query.state'],
    );
  });
});

describe('addresses', () => {
  test('what is not there is 404, a wrong method 405 with the right ones', async () => {
    const none = await api.app.inject('/v1/nothing');
    assert.equal(none.statusCode, 404);
    assert.equal(problem.parse(none.json()).code, 'route-not-found');
    const wrong = await api.app.inject({ method: 'DELETE', url: '/v1/experiments' });
    assert.equal(wrong.statusCode, 405);
    assert.match(String(wrong.headers.allow), /GET/);
    assert.match(String(wrong.headers.allow), /POST/);
    const bad = await api.app.inject('/v1/experiments/%ZZ');
    assert.equal(problem.parse(bad.json()).status, 400);
    const long = await api.app.inject(`/v1/experiments/${'x'.repeat(250)}`);
    assert.equal(problem.parse(long.json()).code, 'invalid-request');
  });

  test('a forged host name and a foreign page are refused', async () => {
    const rebound = await api.app.inject({ url: '/v1/experiments', headers: { host: 'evil.example:7070' } });
    assert.equal(rebound.statusCode, 421);
    assert.equal(problem.parse(rebound.json()).code, 'wrong-host');
    for (const host of ['127.0.0.1:7070', 'localhost', '[::1]:7070']) {
      assert.equal((await api.app.inject({ url: '/v1/experiments', headers: { host } })).statusCode, 200);
    }
    for (const url of ['/healthz', '/readyz']) {
      const probed = await api.app.inject({ url, headers: { host: '10.0.0.7:7070' } });
      assert.equal(probed.statusCode, 200, 'a kubelet asks under the address of the pod');
    }
    const headers = { 'sec-fetch-site': 'cross-site' };
    const foreign = await api.app.inject({ method: 'POST', url: '/v1/experiments/x/pause', headers });
    assert.equal(foreign.statusCode, 403);
    const preflight = await api.app.inject({
      method: 'OPTIONS',
      url: '/v1/experiments',
      headers: { origin: 'http://evil.example', 'access-control-request-method': 'POST' },
    });
    assert.equal(preflight.headers['access-control-allow-origin'], undefined);
  });

  test('an error nobody foresaw is logged whole and told without its detail', async () => {
    const failing = { ...api.store, getExperiment: () => Promise.reject(new Error('an inner detail')) };
    const broken = await testApi({ store: failing });
    try {
      const response = await broken.app.inject('/v1/experiments/e-some');
      assert.equal(response.statusCode, 500);
      const answer = problem.parse(response.json());
      assert.equal(answer.code, 'internal');
      assert.doesNotMatch(response.body, /inner detail/);
      const line = broken.logged.find((text) => text.includes('an inner detail'));
      assert.ok(line?.includes(answer.instance ?? 'no instance'));
    } finally {
      await broken.close();
    }
  });
});
