/** A search of real trials in the all-in-one service, with its own tuner, that prunes on live losses and is killed once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { trialDetails, untilEnded, untilExperiment } from '../support/following.ts';
import { createLaminaFolder, type LaminaFolder } from '../support/lamina-process.ts';
import { saveTinyModel, tinyDocument } from '../support/tiny.ts';

const PATIENCE_MS = 900_000;
/** Two that learn and two that do not. */
const RATES = [3e-3, 1e-3, 2e-9, 1e-9];
/** Enough for several looks at each trial, on fast machines too. */
const STEPS = 1000;

let folder: LaminaFolder;
before(async () => {
  folder = await createLaminaFolder();
  await saveTinyModel(folder.path);
});
after(() => folder?.remove());

test('two cells times four suggestions, pruned on the way, across a kill of the service', async (t) => {
  const document = {
    ...tinyDocument({ name: 'searched', steps: STEPS, seeds: [1], maxParallel: 2, precisions: ['fp32'] }),
    search: {
      parameters: { 'training.learningRate': { choices: RATES } },
      sampler: 'grid',
      trials: RATES.length,
      parallel: 1,
      pruner: { kind: 'median', every: 20, warmupSteps: 20, startupTrials: 1 },
    },
  };
  let lamina = await folder.start();
  const submission = { document: JSON.stringify(document), baseDirectory: folder.path, reuse: true };
  const preview = await lamina.client.preview(submission);
  assert.deepEqual([preview.trials, preview.suggestions], [2, 8]);
  const { id } = await lamina.client.submit(submission);
  await untilExperiment(lamina.client, id, ({ total }) => total > 3, PATIENCE_MS);
  await lamina.kill();
  lamina = await folder.start();
  const ended = await untilEnded(lamina.client, id, PATIENCE_MS);
  assert.equal(ended.state, 'succeeded', JSON.stringify(ended.counts));

  const { studies, suggestions } = await lamina.client.search(id, {});
  t.diagnostic(JSON.stringify(suggestions.items.map(({ parameters, state, values }) => [parameters, state, values])));
  assert.deepEqual(
    studies.map(({ state, trials }) => [state, trials]),
    [
      ['closed', 4],
      ['closed', 4],
    ],
  );
  for (const { key, best } of studies) {
    const of = suggestions.items.filter(({ studyKey }) => studyKey === key);
    const rates = of.map(({ parameters }) => parameters['training.learningRate']);
    assert.deepEqual(
      rates.toSorted((a, b) => Number(b) - Number(a)),
      RATES,
      'each point of the grid once',
    );
    assert.ok(
      of.every(({ state }) => state === 'complete' || state === 'pruned'),
      JSON.stringify(of),
    );
    assert.ok(Number(best[0]?.parameters['training.learningRate']) > 1e-6, 'the best is one that learns');
  }
  const pruned = suggestions.items.filter(({ state }) => state === 'pruned');
  assert.ok(pruned.length > 0, 'at least one was pruned');
  const trials = await trialDetails(lamina.client, id);
  assert.equal(ended.counts.pruned, pruned.length);
  for (const one of pruned) {
    const trial = trials.find((each) => each.id === one.trialId);
    assert.equal(trial?.state, 'pruned');
    assert.match(one.message ?? '', /behind other suggestions/);
    const { step } = trial.attemptList.at(-1) ?? {};
    assert.ok(step != null && step < STEPS, `it was stopped at step ${step}`);
  }
  for (const trial of trials) {
    const succeeded = trial.attemptList.filter(({ outcome }) => outcome === 'succeeded');
    assert.equal(succeeded.length, trial.state === 'succeeded' ? 1 : 0, `${trial.label} was measured once`);
  }
  assert.equal(await lamina.stop(), 0);
});
