import assert from 'node:assert/strict';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { streamEvent } from '@lamina/domain/contract/api.ts';
import type { TrialEvent } from '@lamina/domain/contract/trial.ts';
import { newExperimentId } from '@lamina/platform/application/ids.ts';
import { attemptFolder } from '@lamina/platform/application/ports/artifacts.ts';
import { attemptToken } from '@lamina/platform/application/tokens.ts';
import { testApi } from '../support/api.ts';
import { newExperiment, plannedTrials, plansOf } from '../support/planned.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let base: string;
before(async () => {
  api = await testApi({ requestsPerMinute: 100 });
  base = await api.app.listen({ host: '127.0.0.1', port: 0 });
});
after(() => api.close());

/** An experiment of one trial whose first attempt runs. */
async function runningAttempt() {
  const id = newExperimentId();
  const [trial] = plannedTrials(1, 1, id);
  assert.ok(trial);
  await api.store.createExperiment(newExperiment(id, [trial]), { reuse: true });
  const attemptId = `${id}-${trial.id.slice(0, 16)}-1`;
  const plan = plansOf([trial])[trial.cell.id];
  assert.ok(plan);
  await api.store.startAttempts([{ attemptId, experimentId: id, trialId: trial.id, attempt: 1, plan }]);
  const end = async () => {
    const endedAt = new Date().toISOString();
    const ended = { outcome: 'succeeded', message: 'done', exitCode: 0, node: null, endedAt } as const;
    await api.store.endAttempts([{ attemptId, end: ended }]);
  };
  const log = join(
    api.folder,
    'artifacts',
    attemptFolder({ experimentId: id, trialId: trial.id, attempt: 1 }),
    'log.txt',
  );
  await mkdir(dirname(log), { recursive: true });
  return { id, trial, attemptId, end, log };
}

function step(seq: number): Extract<TrialEvent, { type: 'step' }> {
  const measured = { loss: 3, learningRate: 1e-4, gradNorm: null, stepSeconds: 1, tokensPerSecond: 10 };
  return { seq, at: new Date().toISOString(), type: 'step', step: seq, steps: 9, memoryBytes: null, ...measured };
}

async function postEvents(attemptId: string, events: readonly TrialEvent[], token = attemptToken('secret', attemptId)) {
  return fetch(`${base}/v1/attempts/${attemptId}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ events }),
  });
}

interface Sent {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
}

/** Reads server-sent events until `enough`. */
async function readEvents(url: string, enough: (events: readonly Sent[]) => boolean, headers = {}): Promise<Sent[]> {
  const controller = new AbortController();
  const response = await fetch(url, { headers, signal: controller.signal });
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  const events: Sent[] = [];
  let rest = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const parts = `${rest}${chunk}`.split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const fields = Object.fromEntries(part.split('\n').map((line) => line.split(/: ?(.*)/s).slice(0, 2)));
      if ('data' in fields) events.push({ id: fields.id, event: fields.event, data: JSON.parse(fields.data) });
    }
    if (enough(events)) break;
  }
  controller.abort();
  return events;
}

describe('trainer events', () => {
  test('are taken once each, with the token of their attempt only', async () => {
    const { attemptId, end } = await runningAttempt();
    const first = await postEvents(attemptId, [step(1), step(2)]);
    assert.deepEqual(await first.json(), { accepted: 2, lastSeq: 2 });
    const again = await postEvents(attemptId, [step(2), step(3)]);
    assert.deepEqual(await again.json(), { accepted: 1, lastSeq: 3 });
    for (const token of ['wrong', attemptToken('secret', 'other'), attemptToken('another secret', attemptId)]) {
      const refused = await postEvents(attemptId, [step(4)], token);
      assert.equal(refused.status, 401);
      assert.equal(((await refused.json()) as { code: string }).code, 'unauthorized');
    }
    const curve = (await (await fetch(`${base}/v1/attempts/${attemptId}/events?after=1`)).json()) as {
      items: unknown[];
    };
    assert.equal(curve.items.length, 2);
    await end();
    const late = await postEvents(attemptId, [step(4)]);
    assert.equal(late.status, 410);
    const unknown = await postEvents('none', [step(1)]);
    assert.equal(unknown.status, 404);
  });

  test('of a wrong shape are refused whole, with paths', async () => {
    const { attemptId } = await runningAttempt();
    const response = await postEvents(attemptId, [step(1), { ...step(2), step: 0 }]);
    assert.equal(response.status, 400);
    const { errors } = (await response.json()) as { errors: { path: string }[] };
    assert.deepEqual(
      errors.map((error) => error.path),
      ['body.events.1.step'],
    );
  });

  test('are not counted against the rate limit', async () => {
    const { attemptId } = await runningAttempt();
    for (let seq = 1; seq <= 120; seq += 1) assert.equal((await postEvents(attemptId, [step(seq)])).status, 200);
  });
});

describe('the event stream', () => {
  test('tells the whole history, goes on live, and resumes after any event', async () => {
    const { id, attemptId, end } = await runningAttempt();
    const url = `${base}/v1/experiments/${id}/events`;
    const reading = readEvents(url, (events) => events.some(({ data }) => isEnd(data)));
    await sleep(100);
    await postEvents(attemptId, [step(1)]);
    await end();
    const all = await reading;
    assert.deepEqual(
      all.map(({ id: number }) => Number(number)),
      all.map((_, index) => index + 1),
    );
    assert.deepEqual(
      all.map(({ event }) => event),
      ['experiment', 'attempt', 'trial', 'metrics', 'attempt'],
    );
    for (const { event, data } of all) streamEvent.parse({ type: event, data });
    const after = all.length - 2;
    const resumed = await readEvents(url, (events) => events.length === 2, { 'last-event-id': String(after) });
    assert.deepEqual(resumed, all.slice(after));
    const asked = await readEvents(`${url}?after=${after}`, (events) => events.length === 2);
    assert.deepEqual(asked, all.slice(after));
  });
});

describe('logs', () => {
  test('come whole, by their last lines, and as they are written', async () => {
    const { id, trial, attemptId, end, log } = await runningAttempt();
    const url = `${base}/v1/attempts/${attemptId}/logs`;
    assert.equal(await (await fetch(url)).text(), '');
    await writeFile(log, 'one\ntwo\nthree\n');
    assert.equal(await (await fetch(url)).text(), 'one\ntwo\nthree\n');
    assert.equal(await (await fetch(`${url}?tail=2`)).text(), 'two\nthree\n');
    assert.equal(await (await fetch(`${url}?tail=0`)).text(), '');
    assert.equal(await (await fetch(`${url}?tail=99`)).text(), 'one\ntwo\nthree\n');
    assert.equal(await (await fetch(`${base}/v1/experiments/${id}/trials/${trial.id}/logs?tail=1`)).text(), 'three\n');
    const following = fetch(`${url}?follow=true&tail=1`).then((response) => response.text());
    await sleep(400);
    await appendFile(log, 'four ä\n');
    await sleep(400);
    await appendFile(log, 'five\n');
    await end();
    assert.equal(await following, 'three\nfour ä\nfive\n');
  });

  test('a long log keeps every byte, and its tail is found across chunks', async () => {
    const { attemptId, log } = await runningAttempt();
    const lines = Array.from({ length: 30_000 }, (_, index) => `line ${index}\n`);
    await writeFile(log, lines.join(''));
    const url = `${base}/v1/attempts/${attemptId}/logs`;
    assert.equal(await (await fetch(url)).text(), lines.join(''));
    assert.equal(await (await fetch(`${url}?tail=20000`)).text(), lines.slice(-20_000).join(''));
  });
});

describe('limits and the end', () => {
  test('a client beyond the limit is told when to come back; health is not counted', async () => {
    let last = 200;
    let retryAfter: string | null = null;
    for (let count = 0; count < 150 && last === 200; count += 1) {
      const response = await fetch(`${base}/v1/experiments?limit=1`);
      last = response.status;
      retryAfter = response.headers.get('retry-after');
      await response.text();
    }
    assert.equal(last, 429);
    assert.notEqual(retryAfter, null);
    assert.equal((await fetch(`${base}/healthz`)).status, 200);
  });

  test('closing the server ends its open streams', async () => {
    const other = await testApi({ store: api.store });
    const address = await other.app.listen({ host: '127.0.0.1', port: 0 });
    const id = newExperimentId();
    await other.store.createExperiment(newExperiment(id, plannedTrials(1, 1, id)), { reuse: true });
    const response = await fetch(`${address}/v1/experiments/${id}/events`);
    const reading = response.text();
    await sleep(50);
    const begun = Date.now();
    await other.close();
    assert.match(await reading, /event: experiment/);
    assert.ok(Date.now() - begun < 3000);
  });
});

function isEnd(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'outcome' in data && data.outcome === 'succeeded';
}
