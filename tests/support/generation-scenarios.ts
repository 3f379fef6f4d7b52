/** Experiments whose dataset is generated first: their histories are kept as well. */
import assert from 'node:assert/strict';
import { DATASET_TRIAL } from '@lamina/domain/contract/generation.ts';
import { PLAIN_PLAN } from '@lamina/domain/contract/trial.ts';
import { specOf } from '@lamina/domain/spec/generated.ts';
import { parseDocument } from '@lamina/domain/spec/parse.ts';
import { FAST_POLICY, type Orchestra, until } from './orchestra.ts';
import { newExperiment } from './planned.ts';

const RUN = { do: 'run' } as const;
const SUCCEED = { do: 'end', outcome: 'succeeded' } as const;
const CRASH = { do: 'end', outcome: 'crashed', message: 'the endpoint is away' } as const;

const DOCUMENT = {
  apiVersion: 'lamina/v1',
  name: 'generated',
  model: 'owner/name',
  dataset: {
    source: 'generated',
    prompts: { source: 'topics', topics: ['tides', 'moss'], templates: ['Explain {topic}.'] },
    endpoint: { baseUrl: 'http://127.0.0.1:9/v1', model: 'writer' },
  },
  matrix: { precision: ['bf16', 'nf4'], method: ['lora', 'qlora'], seed: [1, 2] },
  policy: { maxParallel: 2, backoff: { initial: 0.1, max: 0.5 } },
};

/** Stores it without trials and starts it. */
async function submit(o: Orchestra, id: string): Promise<void> {
  const read = parseDocument(DOCUMENT);
  assert.ok(read.ok && read.document.dataset.source === 'generated');
  const preparation = {
    specHash: `hash of ${id}`,
    spec: specOf(read.document.dataset),
    plan: PLAIN_PLAN,
    reuse: false,
    done: null,
  };
  const experiment = newExperiment(id, [], { document: read.document, policy: FAST_POLICY, preparation });
  await o.store.createExperiment(experiment, { reuse: false });
  await o.control.start(id);
}

function launchesOf(o: Orchestra, id: string) {
  return o.launches.filter((launch) => launch.experimentId === id).map(({ trialId, attempt }) => [trialId, attempt]);
}

export const PREPARATION_SCENARIOS: Readonly<Record<string, (o: Orchestra, id: string) => Promise<void>>> = {
  'a-dataset-is-generated-before-the-trials': async (o, id) => {
    o.script(({ trialId, attempt }) => (trialId === DATASET_TRIAL && attempt === 1 ? CRASH : SUCCEED));
    await submit(o, id);
    assert.equal(await o.ended(id), 'succeeded');
    const launches = launchesOf(o, id);
    assert.deepEqual(launches.slice(0, 2), [
      [DATASET_TRIAL, 1],
      [DATASET_TRIAL, 2],
    ]);
    assert.equal(launches.length, 6);
    const experiment = await o.store.getExperiment(id);
    assert.deepEqual(experiment?.counts, { succeeded: 4 });
    const { dataset } = experiment.document as { dataset: { source: string; fingerprint: string } };
    const preparation = await o.store.getPreparation(id);
    assert.equal(dataset.source, 'file');
    assert.equal(dataset.fingerprint, preparation?.prepared?.dataset.fingerprint);
    assert.deepEqual([preparation?.state, preparation?.attempts], ['succeeded', 2]);
    const [first] = await o.store.listAttempts(id, DATASET_TRIAL);
    assert.equal(first?.end?.message, 'the endpoint is away');
  },

  'a-generation-that-fails-ends-the-experiment-until-it-is-retried': async (o, id) => {
    o.script(() => CRASH);
    await submit(o, id);
    assert.equal(await o.ended(id), 'failed');
    assert.equal((await o.store.getPreparation(id))?.message, 'the endpoint is away');
    assert.deepEqual((await o.store.getExperiment(id))?.counts, {});
    o.script(() => SUCCEED);
    assert.equal(await o.store.resetPreparation(id), true);
    await o.control.wake(id);
    assert.equal(await o.ended(id), 'succeeded');
    assert.deepEqual((await o.store.getExperiment(id))?.counts, { succeeded: 4 });
  },

  'a-cancel-while-data-are-generated-starts-no-trial': async (o, id) => {
    o.script(() => RUN);
    await submit(o, id);
    await until(() => launchesOf(o, id).length === 1, 'the generation is launched');
    await o.control.cancel(id);
    assert.equal(await o.ended(id), 'cancelled');
    assert.equal((await o.store.getPreparation(id))?.state, 'cancelled');
    assert.equal(launchesOf(o, id).length, 1);
  },

  'a-pause-while-data-are-generated-holds-for-the-trials': async (o, id) => {
    o.script(({ trialId }) =>
      trialId === DATASET_TRIAL ? { do: 'end', outcome: 'succeeded', afterMs: 400 } : SUCCEED,
    );
    await submit(o, id);
    await until(() => launchesOf(o, id).length === 1, 'the generation is launched');
    await o.control.pause(id);
    await until(async () => (await o.store.getPreparation(id))?.state === 'succeeded', 'the data are there');
    await o.restartWorker();
    assert.equal((await o.store.getExperiment(id))?.state, 'paused');
    assert.equal(launchesOf(o, id).length, 1);
    await o.control.resume(id);
    assert.equal(await o.ended(id), 'succeeded');
    assert.equal(launchesOf(o, id).length, 5);
  },

  'a-result-of-a-generation-that-cannot-be-read-counts-as-a-crash': async (o, id) => {
    o.script(() => SUCCEED);
    o.breakResults(true);
    await submit(o, id);
    assert.equal(await o.ended(id), 'failed');
    o.breakResults(false);
    assert.match((await o.store.getPreparation(id))?.message ?? '', /result\.json is not valid/);
    assert.equal(launchesOf(o, id).length, 2, 'as often as crashes are tried again');
  },
};
