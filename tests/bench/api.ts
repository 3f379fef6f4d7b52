/**
 * The API over a real Postgres with 12,500 experiments and 100,000 trials: lists, a comparison over 10,000 trials,
 * and the intake of trainer events. Requests go over HTTP on this machine. `npm run bench -- api`
 */
import assert from 'node:assert/strict';
import type { TrialEvent } from '@lamina/domain/contract/trial.ts';
import { openDatabase } from '@lamina/platform/adapters/database/open.ts';
import { createExperimentStore } from '@lamina/platform/adapters/database/store.ts';
import { newExperimentId } from '@lamina/platform/application/ids.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import { attemptToken } from '@lamina/platform/application/tokens.ts';
import { testApi } from '../support/api.ts';
import { newExperiment, plannedTrials, plansOf } from '../support/planned.ts';
import { startPostgres } from '../support/postgres.ts';
import { fill } from './support/api-data.ts';

const TARGET = { listP95Ms: 100, comparisonSeconds: 2, eventsPerSecond: 2000 };
const SECRET = 'secret';

const postgres = await startPostgres();

try {
  const database = await openDatabase({ kind: 'postgres', url: await postgres.createDatabase('bench') });
  const store = createExperimentStore(database);
  const api = await testApi({ store, requestsPerMinute: 1_000_000 });
  try {
    const base = await api.app.listen({ host: '127.0.0.1', port: 0 });
    const filled = await timed(() => fill(database, store, { experiments: 12_500, trials: 100_000, large: 10_000 }));
    const { experiments, trials, large } = filled.value;
    say(
      `PostgreSQL ${postgres.version}: ${experiments} experiments, ${trials} trials (${filled.seconds.toFixed(0)} s)`,
    );
    const lists = await benchLists(base);
    const trialList = await benchTrials(base, large);
    const comparison = await benchComparison(base, large);
    const intake = await benchIntake(base, store);
    const figures = {
      benchmark: 'api',
      experiments,
      trials,
      listP50Ms: round(lists.p50),
      listP95Ms: round(lists.p95),
      trialListP95Ms: round(trialList.p95),
      comparisonSeconds: round(comparison.median, 3),
      comparisonSecondsMax: round(comparison.max, 3),
      eventsPerSecond: Math.round(intake.eventsPerSecond),
      intakeP95Ms: round(intake.p95),
      ratios: {
        listP95ToTarget: round(lists.p95 / TARGET.listP95Ms, 3),
        comparisonToTarget: round(comparison.max / TARGET.comparisonSeconds, 3),
        eventsToTarget: round(intake.eventsPerSecond / TARGET.eventsPerSecond, 2),
      },
    };
    const { ratios } = figures;
    const met = ratios.listP95ToTarget < 1 && ratios.comparisonToTarget < 1 && ratios.eventsToTarget >= 1;
    if (!met) process.exitCode = 1;
    console.log(JSON.stringify({ ...figures, met }));
  } finally {
    await api.close();
    await store.close();
  }
} finally {
  await postgres.stop();
}

/** First pages, deep pages, by state and by name: what the dashboard and the CLI ask for. */
async function benchLists(base: string) {
  const millis: number[] = [];
  const list = async (query: string) => {
    const { seconds, value } = await timed(() => getJson(`${base}/v1/experiments?limit=50${query}`));
    millis.push(seconds * 1000);
    return value as { items: unknown[]; nextCursor: string | null };
  };
  for (let round = 0; round < 2; round += 1) {
    millis.length = 0;
    let cursor: string | null = null;
    for (let page = 0; page < 150; page += 1) {
      const found = await list(cursor === null ? '' : `&cursor=${cursor}`);
      assert.equal(found.items.length, 50);
      cursor = found.nextCursor;
      if (page % 3 === 0) await list(`&state=${['running', 'failed', 'succeeded'][(page / 3) % 3]}`);
      if (page % 3 === 1) await list('&name=nightly%201');
      if (page % 3 === 2) await list('');
    }
  }
  const spread = quantiles(millis);
  say(`lists of 50: p50 ${round(spread.p50)} ms, p95 ${round(spread.p95)} ms over ${millis.length} requests`);
  return spread;
}

async function benchTrials(base: string, id: string) {
  const millis: number[] = [];
  let cursor = '';
  for (let page = 0; page < 90; page += 1) {
    const url = `${base}/v1/experiments/${id}/trials?limit=100${cursor}`;
    const { seconds, value } = await timed(() => getJson(url));
    millis.push(seconds * 1000);
    cursor = `&cursor=${(value as { nextCursor: string }).nextCursor}`;
  }
  const spread = quantiles(millis);
  say(`trials by 100 of 10,000: p50 ${round(spread.p50)} ms, p95 ${round(spread.p95)} ms`);
  return spread;
}

/** Each asks for another limit, so that none is answered from memory. */
async function benchComparison(base: string, id: string) {
  const seconds: number[] = [];
  for (let run = 0; run < 6; run += 1) {
    const url = `${base}/v1/experiments/${id}/comparison.json?maxMemoryBytes=${run + 1}000000000`;
    const { value, seconds: taken } = await timed(() => getJson(url));
    assert.equal((value as { rows: unknown[] }).rows.length, 50);
    seconds.push(taken);
  }
  const warm = seconds.slice(1).toSorted((a, b) => a - b);
  const median = warm[Math.floor(warm.length / 2)] ?? 0;
  const max = Math.max(...seconds);
  say(
    `comparison over 10,000 trials: median ${round(median, 3)} s, slowest ${round(max, 3)} s, the first one included`,
  );
  return { median, max };
}

/** Sixteen trainers, each posting fifty points at a time, one post after the other. */
async function benchIntake(base: string, store: ExperimentStore) {
  const [trainers, posts, points] = [16, 40, 50];
  const id = newExperimentId();
  const planned = plannedTrials(trainers, 1, id);
  await store.createExperiment(newExperiment(id, planned), { reuse: false });
  const attempts = planned.map((trial) => {
    const plan = plansOf([trial])[trial.cell.id];
    assert.ok(plan);
    return { attemptId: `${id}-${trial.id.slice(0, 16)}-1`, experimentId: id, trialId: trial.id, attempt: 1, plan };
  });
  await store.startAttempts(attempts);
  const millis: number[] = [];
  const { seconds } = await timed(() =>
    Promise.all(
      attempts.map(async ({ attemptId }) => {
        for (let post = 0; post < posts; post += 1) {
          const events = Array.from({ length: points }, (_, index) => step(post * points + index + 1));
          const { seconds: taken } = await timed(() => postEvents(base, attemptId, events));
          millis.push(taken * 1000);
        }
      }),
    ),
  );
  for (const { attemptId } of attempts) {
    assert.equal((await store.getAttempt(attemptId))?.lastSeq, posts * points);
  }
  const eventsPerSecond = (trainers * posts * points) / seconds;
  const { p50, p95 } = quantiles(millis);
  say(`event intake: ${Math.round(eventsPerSecond)} points/s; a post takes p50 ${round(p50)} ms, p95 ${round(p95)} ms`);
  return { eventsPerSecond, p95 };
}

function step(seq: number): TrialEvent {
  const measured = { loss: 3.1, learningRate: 1e-4, gradNorm: 0.5, stepSeconds: 0.4, tokensPerSecond: 1000 };
  return { seq, at: new Date().toISOString(), type: 'step', step: seq, steps: 5000, memoryBytes: 1, ...measured };
}

async function postEvents(base: string, attemptId: string, events: readonly TrialEvent[]): Promise<void> {
  const response = await fetch(`${base}/v1/attempts/${attemptId}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${attemptToken(SECRET, attemptId)}` },
    body: JSON.stringify({ events }),
  });
  assert.equal(response.status, 200, await response.text());
}

async function getJson(url: string): Promise<unknown> {
  const response = await fetch(url);
  const body = await response.text();
  assert.equal(response.status, 200, body);
  return JSON.parse(body);
}

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; seconds: number }> {
  const begun = performance.now();
  const value = await work();
  return { value, seconds: (performance.now() - begun) / 1000 };
}

function quantiles(values: readonly number[]): { p50: number; p95: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p95: at(0.95) };
}

function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}

function say(text: string): void {
  console.log(text);
}
