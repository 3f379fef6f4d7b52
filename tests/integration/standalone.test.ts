/** The all-in-one service end to end, with real trials on a tiny model. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Submission } from '@lamina/cli/client.ts';
import { trialDetails, untilEnded, untilExperiment } from '../support/following.ts';
import { createLaminaFolder, type LaminaFolder, type RunningLamina } from '../support/lamina-process.ts';
import { saveTinyModel, type TinyDocument, tinyDocument } from '../support/tiny.ts';

const PATIENCE_MS = 120_000;
const LONG = 100_000;

describe('the service on one data directory', () => {
  let folder: LaminaFolder;
  let lamina: RunningLamina;
  before(async () => {
    folder = await createLaminaFolder();
    await saveTinyModel(folder.path);
    lamina = await folder.start();
  });
  after(async () => {
    await folder.remove();
  });

  function submission(options: Partial<TinyDocument> & { name: string }): Submission {
    const document = tinyDocument({
      steps: 10,
      seeds: [1],
      maxParallel: 1,
      layers: ['all'],
      precisions: ['fp32'],
      ...options,
    });
    return { document: JSON.stringify(document), baseDirectory: folder.path, reuse: true };
  }

  test('a second process on the same folder is refused, and told where the first is', async () => {
    const { code, output } = await folder.startFailing();
    assert.equal(code, 1);
    assert.match(output, /in use by another process/);
    assert.ok(output.includes(lamina.url), output);
    assert.equal((await fetch(`${lamina.url}/healthz`)).status, 200);
  });

  test('an identical second run reuses every trial', async () => {
    const first = await lamina.client.submit(submission({ name: 'first', precisions: ['fp32', 'nf4'] }));
    assert.equal((await untilEnded(lamina.client, first.id, PATIENCE_MS)).state, 'succeeded');
    const second = await lamina.client.submit(submission({ name: 'second', precisions: ['fp32', 'nf4'] }));
    const ended = await untilEnded(lamina.client, second.id, PATIENCE_MS);
    assert.deepEqual(ended.counts, { reused: 2 });
    assert.equal(ended.state, 'succeeded');
    const [one, other] = await Promise.all([lamina.client.comparison(first.id), lamina.client.comparison(second.id)]);
    assert.deepEqual(
      other.rows.map((row) => row.loss),
      one.rows.map((row) => row.loss),
    );
  });

  test('a paused experiment starts nothing new until it is resumed', async () => {
    const { id } = await lamina.client.submit(submission({ name: 'paused', steps: 60, seeds: [1, 2, 3] }));
    await untilExperiment(lamina.client, id, ({ counts }) => counts.running === 1, PATIENCE_MS);
    await lamina.client.pause(id);
    const paused = await untilExperiment(lamina.client, id, ({ counts }) => (counts.running ?? 0) === 0, PATIENCE_MS);
    assert.equal(paused.state, 'paused');
    assert.ok((paused.counts.pending ?? 0) >= 2, JSON.stringify(paused.counts));
    await lamina.client.resume(id);
    assert.equal((await untilEnded(lamina.client, id, PATIENCE_MS)).state, 'succeeded');
  });

  test('a cancelled experiment stops its trial and starts no other; retry runs them', async () => {
    const { id } = await lamina.client.submit(
      submission({ name: 'cancelled', steps: 400, seeds: [11, 12], policy: { grace: '5s' } }),
    );
    await untilExperiment(lamina.client, id, ({ counts }) => counts.running === 1, PATIENCE_MS);
    await lamina.client.cancel(id);
    const cancelled = await untilEnded(lamina.client, id, PATIENCE_MS);
    assert.equal(cancelled.state, 'cancelled');
    assert.deepEqual(cancelled.counts, { cancelled: 2 });
    assert.equal((await lamina.client.retry(id, { states: ['cancelled'] })).affected, 2);
    const retried = await untilExperiment(lamina.client, id, ({ counts }) => counts.succeeded === 2, PATIENCE_MS);
    assert.equal((await untilEnded(lamina.client, retried.id, PATIENCE_MS)).state, 'succeeded');
  });

  test('a trial past its deadline has timed out', async () => {
    const { id } = await lamina.client.submit(
      submission({ name: 'deadline', steps: LONG, seeds: [21], policy: { trialDeadline: '4s', grace: '2s' } }),
    );
    const ended = await untilEnded(lamina.client, id, PATIENCE_MS);
    assert.equal(ended.state, 'failed');
    const [trial] = await trialDetails(lamina.client, id);
    assert.equal(trial?.attemptList.at(-1)?.outcome, 'timed-out');
  });

  test('a model that cannot be had fails its trial at once, with the reason and without a retry', async () => {
    const { document, ...rest } = submission({ name: 'no model', seeds: [31] });
    const elsewhere = { ...JSON.parse(document), model: 'nobody/no-such-model' };
    const { id } = await lamina.client.submit({ ...rest, document: JSON.stringify(elsewhere) });
    const ended = await untilEnded(lamina.client, id, PATIENCE_MS);
    assert.deepEqual(ended.counts, { failed: 1 });
    const [trial] = await trialDetails(lamina.client, id);
    assert.deepEqual(
      trial?.attemptList.map((attempt) => attempt.outcome),
      ['invalid'],
    );
    assert.match(trial?.message ?? '', /nobody\/no-such-model/);
  });

  test('a graceful stop saves a checkpoint, and the next start continues from it', async () => {
    const { id } = await lamina.client.submit(submission({ name: 'stopped', steps: 600, seeds: [41] }));
    await untilExperiment(lamina.client, id, ({ counts }) => counts.running === 1, PATIENCE_MS);
    const [first] = await lamina.client.trials(id);
    await untilTraining(id, first?.id ?? '');
    assert.equal(await lamina.stop(), 0);
    lamina = await folder.start();
    const ended = await untilEnded(lamina.client, id, PATIENCE_MS);
    assert.equal(ended.state, 'succeeded');
    const [trial] = await trialDetails(lamina.client, id);
    assert.deepEqual(
      trial?.attemptList.map((attempt) => attempt.outcome),
      ['disrupted', 'succeeded'],
    );
    const resumed = trial?.result?.training.resumedFromStep ?? 0;
    assert.ok(resumed > 0, 'it continued from a checkpoint');
    const losses = trial?.result?.training.losses.map(({ step }) => step) ?? [];
    assert.deepEqual(
      losses,
      losses.toSorted((a, b) => a - b),
    );
  });

  async function untilTraining(id: string, trialId: string): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (;;) {
      const trial = await lamina.client.trial(id, trialId);
      if ((trial.step ?? 0) >= 20) return;
      assert.ok(performance.now() < giveUpAt, `no step: ${trial.phase}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
});
