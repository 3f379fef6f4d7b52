/** Data that a model writes as the first stage of an experiment: real service, Temporal and trainer, an endpoint that counts. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@lamina/cli/client.ts';
import { trialDetails, untilEnded, untilExperiment } from '../support/following.ts';
import { createLaminaFolder, type LaminaFolder, type RunningLamina } from '../support/lamina-process.ts';
import { type OpenAiServer, startOpenAiServer } from '../support/openai-server.ts';
import { saveTinyModel, tinyDocument } from '../support/tiny.ts';

const PATIENCE_MS = 300_000;
const TOPICS = Array.from({ length: 30 }, (_, index) => `topic number ${index}`);
const KEY = 'a-key-that-is-written-nowhere';

let folder: LaminaFolder;
let endpoint: OpenAiServer;
let lamina: RunningLamina;

before(async () => {
  folder = await createLaminaFolder({ WRITER_KEY: KEY, LAMINA_LAUNCHER: 'process' });
  endpoint = await startOpenAiServer();
  await saveTinyModel(folder.path);
  lamina = await folder.start();
});

after(async () => {
  await folder?.remove();
  await endpoint?.close();
});

function document(name: string, dataset: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    ...tinyDocument({ name, steps: 3, seeds: [1], maxParallel: 2, layers: [2], precisions: ['fp32', 'nf4'] }),
    dataset: {
      source: 'generated',
      prompts: { source: 'topics', topics: TOPICS, templates: [`Write about {topic} (${name}).`] },
      endpoint: { baseUrl: endpoint.url, model: 'writer', apiKeyVariable: 'WRITER_KEY' },
      limits: { requestsPerMinute: null, concurrency: 1, firstRetrySeconds: 0.05, attempts: 2 },
      prices: { inputPerMillion: 1, outputPerMillion: 2 },
      contamination: { fraction: 0.3 },
      ...dataset,
    },
    policy: { maxParallel: 2, attempts: 2, backoff: { initial: 0.1 } },
  });
}

async function submit(client: Client, text: string): Promise<string> {
  return (await client.submit({ document: text, baseDirectory: folder.path, reuse: true })).id;
}

async function until<T>(look: () => Promise<T | null> | T | null, what: string): Promise<T> {
  for (const giveUpAt = performance.now() + PATIENCE_MS; performance.now() < giveUpAt; await sleep(50)) {
    const found = await look();
    if (found !== null) return found;
  }
  throw new Error(`not in time: ${what}\n${lamina.output()}`);
}

const asked = (name: string) => [...endpoint.asked].filter(([prompt]) => prompt.includes(`(${name})`));
const total = (name: string) => asked(name).reduce((sum, [, count]) => sum + count, 0);

test('killed with its trainer while data are written: nothing is paid twice, and the trials run on the data', async () => {
  const text = document('killed');
  endpoint.delay(100);
  const preview = await lamina.client.preview({ document: text, baseDirectory: folder.path, reuse: true });
  assert.equal(preview.trials, 2);
  assert.ok(
    preview.warnings.some((warning) => /will be generated first, by writer: at most 30 requests/.test(warning)),
  );
  assert.equal(endpoint.asked.size, 0, 'a preview asks for nothing');

  const id = await submit(lamina.client, text);
  await until(() => (total('killed') >= 8 ? true : null), 'a few requests are answered');
  const before = await lamina.client.show(id);
  assert.equal(before.state, 'running');
  assert.equal(before.total, 0);
  assert.equal(before.preparation?.state, 'running');
  await lamina.kill();
  const attempt = join(folder.data, 'artifacts/experiments', id, 'trials/dataset/attempts/1');
  const { pid } = JSON.parse(readFileSync(join(attempt, 'process.json'), 'utf8')) as { pid: number };
  process.kill(-pid, 'SIGKILL');
  endpoint.delay(0);
  lamina = await folder.start();

  const ended = await untilEnded(lamina.client, id, PATIENCE_MS);
  const preparation = await lamina.client.preparation(id);
  assert.equal(ended.state, 'succeeded', JSON.stringify(preparation));
  assert.deepEqual(ended.counts, { succeeded: 2 });
  assert.equal(preparation.state, 'succeeded');
  assert.ok(preparation.attemptList.length >= 2, 'the killed attempt and the one that went on');
  assert.ok(preparation.attemptList.every(({ outcome }) => outcome !== null));
  assert.equal(asked('killed').length, 30);
  assert.ok(total('killed') <= 31, `${total('killed')} requests: only the one under way is asked again`);
  assert.ok(
    asked('killed').every(([prompt]) => endpoint.answered.get(prompt) === 1 || endpoint.asked.get(prompt) === 2),
  );

  const { report, dataset } = preparation;
  assert.equal(report?.counts.records, 30);
  assert.ok(report !== null && report.usage.cost !== null && report.usage.cost > 0);
  const content = readFileSync(dataset?.path ?? '');
  assert.equal(createHash('sha256').update(content).digest('hex'), dataset?.fingerprint);
  const trials = await trialDetails(lamina.client, id);
  for (const trial of trials) {
    const used = trial.settings.dataset;
    assert.ok(used.source === 'file');
    assert.equal(used.fingerprint, dataset?.fingerprint);
  }
  const comparison = await lamina.client.comparison(id);
  assert.ok(
    comparison.notes.some((note) =>
      note.includes(`by writer: 30 records of 30 answers; SHA-256 ${dataset?.fingerprint}`),
    ),
  );
  let log = '';
  const path = `experiments/${id}/trials/dataset/logs`;
  for await (const chunk of lamina.client.log(path, {}, new AbortController().signal)) log += chunk;
  assert.match(log, /30 requests are answered already/);
  assert.deepEqual([...endpoint.keys], [`Bearer ${KEY}`]);
});

test('the same data again: nothing is asked, and it is said', async () => {
  const text = document('killed', { limits: { requestsPerMinute: 1 } });
  const requests = total('killed');
  const preview = await lamina.client.preview({ document: text, baseDirectory: folder.path, reuse: true });
  assert.ok(
    preview.warnings.some((warning) => /was generated before, by experiment/.test(warning)),
    preview.warnings.join(),
  );
  assert.equal(preview.reused, 2, 'trials on it are taken over');
  const id = await submit(lamina.client, text);
  assert.equal((await untilEnded(lamina.client, id, PATIENCE_MS)).state, 'succeeded');
  const { state, reusedFrom, attemptList } = await lamina.client.preparation(id);
  assert.deepEqual([state, attemptList], ['succeeded', []]);
  assert.ok(reusedFrom !== null);
  assert.equal(total('killed'), requests);
});

test('an endpoint that does not answer fails the experiment with its words; a retry goes on', async () => {
  endpoint.refuse(500);
  const id = await submit(lamina.client, document('failing'));
  const failed = await untilEnded(lamina.client, id, PATIENCE_MS);
  assert.equal(failed.state, 'failed');
  assert.equal(failed.total, 0);
  assert.match(failed.preparation?.message ?? '', /gave no answer in 2 tries \(500: not now\)/);
  assert.equal(failed.preparation?.attempts, 2, 'as often as policy.attempts allows');
  await assert.rejects(lamina.client.extend(id, { seed: [2] }), /dataset/);

  endpoint.refuse(null);
  await lamina.client.retry(id, {});
  const again = await untilExperiment(lamina.client, id, ({ total }) => total > 0, PATIENCE_MS);
  assert.deepEqual([again.total, again.preparation?.state, again.preparation?.attempts], [2, 'succeeded', 3]);
  await lamina.client.cancel(id);
});

test('cancelled while data are written: no trial ever starts', async () => {
  endpoint.delay(200);
  const id = await submit(lamina.client, document('cancelled'));
  await until(() => (total('cancelled') >= 2 ? true : null), 'requests are under way');
  await lamina.client.cancel(id);
  const ended = await untilEnded(lamina.client, id, PATIENCE_MS);
  assert.equal(ended.state, 'cancelled');
  assert.equal(ended.preparation?.state, 'cancelled');
  assert.equal(ended.total, 0);
  assert.ok(asked('cancelled').length < 30);
  endpoint.delay(0);
});

test('paused while data are written: they are finished, and trials wait for the pause to end', async () => {
  endpoint.delay(50);
  const id = await submit(lamina.client, document('paused'));
  await until(() => (total('paused') >= 2 ? true : null), 'requests are under way');
  await lamina.client.pause(id);
  const paused = await until(async () => {
    const { preparation, ...experiment } = await lamina.client.show(id);
    return preparation?.state === 'succeeded' ? experiment : null;
  }, 'the data are there');
  assert.equal(paused.state, 'paused');
  assert.deepEqual(paused.counts, { pending: 2 });
  endpoint.delay(0);
  await lamina.client.resume(id);
  await untilExperiment(lamina.client, id, ({ counts }) => (counts.running ?? 0) > 0, PATIENCE_MS);
  await lamina.client.cancel(id);
});

test('a mistake in what is to be generated is told at once, and nothing runs', async () => {
  const secret = { apiKeyVariable: null, apiKeySecret: { name: 'writer', key: 'token' } };
  const text = document('wrong', {
    prompts: { source: 'file', path: 'nowhere.jsonl' },
    endpoint: { baseUrl: endpoint.url, model: 'writer', ...secret },
  });
  await assert.rejects(submit(lamina.client, text), (error: Error & { problem?: { errors?: { path: string }[] } }) => {
    const paths = error.problem?.errors?.map(({ path }) => path) ?? [];
    assert.deepEqual(paths.toSorted(), ['dataset.endpoint.apiKeySecret', 'dataset.prompts.path']);
    return true;
  });
});

test('the key is in no file that was written', () => {
  const files = readdirSync(folder.path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const holding = files.filter((path) => contentOf(path)?.includes(KEY));
  assert.deepEqual(holding, []);
});

/** Null for a file of a running service that has gone meanwhile. */
function contentOf(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
