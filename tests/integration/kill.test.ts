/** `kill -9` of the service at ten random moments of a real run, and start again: nothing lost, nothing doubled. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '@lamina/domain/forecast/random.ts';
import { trialDetails, untilEnded } from '../support/following.ts';
import { createLaminaFolder, type LaminaFolder } from '../support/lamina-process.ts';
import { saveTinyModel, tinyDocument } from '../support/tiny.ts';
import { steady } from '../support/undisturbed.ts';

const KILLS = 10;
const LONGEST_LIFE_MS = 4_000;
const PATIENCE_MS = 300_000;
const SUBMISSION = { document: tinyDocument({ name: 'kills', steps: 150, seeds: [1, 2, 3], maxParallel: 2 }) };

async function submit(lamina: Awaited<ReturnType<LaminaFolder['start']>>, folder: LaminaFolder): Promise<string> {
  const document = JSON.stringify(SUBMISSION.document);
  return (await lamina.client.submit({ document, baseDirectory: folder.path, reuse: true }, 'one-key')).id;
}

/** Folders of attempts of a trial that hold a result. */
function resultsOnDisk(folder: LaminaFolder, experimentId: string, trialId: string): number {
  const attempts = join(folder.data, 'artifacts/experiments', experimentId, 'trials', trialId, 'attempts');
  return readdirSync(attempts).filter((attempt) => existsSync(join(attempts, attempt, 'result.json'))).length;
}

test('ten kills change nothing of the comparison', async (t) => {
  const seed = Number(process.env.LAMINA_TEST_SEED ?? randomInt(2 ** 31));
  t.diagnostic(`LAMINA_TEST_SEED=${seed}`);
  const random = seeded(seed);
  const folder = await createLaminaFolder();
  t.after(() => folder.remove());
  await saveTinyModel(folder.path);

  let lamina = await folder.start();
  const id = await submit(lamina, folder);
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await sleep(random() * LONGEST_LIFE_MS);
    await lamina.kill();
    lamina = await folder.start();
    assert.equal(await submit(lamina, folder), id, 'the same submission again is the same experiment');
    const { state, counts } = await lamina.client.show(id);
    t.diagnostic(`kill ${kill}: ${state} ${JSON.stringify(counts)}`);
  }
  const ended = await untilEnded(lamina.client, id, PATIENCE_MS);
  assert.equal(ended.state, 'succeeded', JSON.stringify(ended.counts));
  assert.deepEqual(ended.counts, { succeeded: 12 });
  const trials = await trialDetails(lamina.client, id);
  for (const trial of trials) {
    const succeeded = trial.attemptList.filter((attempt) => attempt.outcome === 'succeeded');
    assert.equal(succeeded.length, 1, `${trial.label} has one result`);
    assert.ok(
      trial.attemptList.every((attempt) => attempt.outcome !== null),
      `every attempt of ${trial.label} has an end`,
    );
    assert.equal(resultsOnDisk(folder, id, trial.id), 1, `${trial.label} was measured once`);
    assert.equal(trial.result?.attemptId, succeeded[0]?.id);
  }
  const disturbed = await lamina.client.comparison(id);
  t.diagnostic(`attempts: ${trials.map((trial) => trial.attempts).join(' ')}`);
  assert.equal(await lamina.stop(), 0);

  const quiet = await createLaminaFolder();
  t.after(() => quiet.remove());
  await saveTinyModel(quiet.path);
  const undisturbed = await quiet.start();
  const quietId = await submit(undisturbed, quiet);
  assert.equal((await untilEnded(undisturbed.client, quietId, PATIENCE_MS)).state, 'succeeded');
  const expected = await undisturbed.client.comparison(quietId);
  assert.equal(await undisturbed.stop(), 0);
  assert.deepEqual(steady(disturbed), steady(expected));
});
