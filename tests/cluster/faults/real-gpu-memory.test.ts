/** The trainer itself runs out of GPU memory in a pod, under a cap that stands for a GPU: smaller plans until one fits. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { cluster } from '../../support/cluster.ts';
import { trialDetails, untilEnded } from '../../support/following.ts';
import { createLaminaFolder } from '../../support/lamina-process.ts';
import { podSettings } from '../../support/pod-settings.ts';
import { saveTinyModel, tinyDocument } from '../../support/tiny.ts';

const PATIENCE_MS = 600_000;
/** A step of eight sequences takes more, one of two less. */
const LIMIT_BYTES = 48_000_000;

const found = await cluster();
const endings: (() => unknown)[] = [];
after(async () => {
  for (const end of endings.toReversed()) await end();
});

test('a real trainer that exceeds its GPU memory gets half the micro-batch until it fits, and like trials begin there', {
  skip: 'skip' in found ? found.skip : false,
}, async () => {
  if ('skip' in found) return;
  const settings = await podSettings(found);
  endings.push(() => settings.remove());
  const file = settings.environment.LAMINA_CLUSTER;
  const { env, ...more } = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...more, env: { ...env, LAMINA_GPU_MEMORY_LIMIT: String(LIMIT_BYTES) } }));
  await saveTinyModel(settings.artifacts, { layers: 8, records: 300 });
  const folder = await createLaminaFolder(settings.environment);
  endings.push(() => folder.remove());
  const lamina = await folder.start();

  const tiny = tinyDocument({ name: 'capped', steps: 2, seeds: [1, 2], maxParallel: 1, layers: ['all'] });
  const { matrix, training } = tiny as { matrix: object; training: object };
  const document = {
    ...tiny,
    matrix: { ...matrix, precision: ['fp32'], method: ['lora'] },
    training: { ...training, microBatch: 8, maxLength: 128 },
  };
  const submission = { document: JSON.stringify(document), baseDirectory: settings.artifacts, reuse: false };
  const { id } = await lamina.client.submit(submission);
  const ended = await untilEnded(lamina.client, id, PATIENCE_MS);
  const trials = await trialDetails(lamina.client, id);
  assert.equal(ended.state, 'succeeded', trials.map(({ message }) => message).join('\n'));
  const [first, second] = trials.map(({ attemptList }) =>
    attemptList.map(({ outcome, plan }) => ({ outcome, plan: [plan.microBatch, plan.accumulation] })),
  );
  const last = first?.at(-1);
  assert.deepEqual(first?.[0], { outcome: 'gpu-out-of-memory', plan: [8, 1] });
  assert.equal(last?.outcome, 'succeeded');
  assert.ok(['4,2', '2,4'].includes(String(last?.plan)), String(last?.plan));
  assert.deepEqual(second, [last]);
  await lamina.stop();
});
