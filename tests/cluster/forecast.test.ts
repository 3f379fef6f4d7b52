/** Forecasts on a real cluster: trials wait for GPUs that others hold, and the forecast knows. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Submission } from '@lamina/cli/client.ts';
import type { GpuInventory } from '@lamina/domain/contract/gpus.ts';
import { cluster } from '../support/cluster.ts';
import { untilEnded } from '../support/following.ts';
import { createLaminaFolder } from '../support/lamina-process.ts';
import { podSettings } from '../support/pod-settings.ts';
import { saveTinyModel, tinyDocument } from '../support/tiny.ts';

const PATIENCE_MS = 600_000;
const HELD = 3;

const found = await cluster();
const skip = 'skip' in found ? found.skip : false;
const opened: { remove(): Promise<void> }[] = [];
after(async () => {
  for (const each of opened.toReversed()) await each.remove();
});

test('where one GPU is free, three trials at once take the time of three', { skip }, async (context) => {
  if ('skip' in found) return;
  const settings = await podSettings(found);
  opened.push(settings);
  const { cache, namespace, environment } = settings;
  await saveTinyModel(cache);
  // Pods run as a user of their own.
  execFileSync('chmod', ['-R', 'a+rwX', cache]);
  const [node] = found.nodes;
  await found.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'somebody-else', namespace },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'holds',
          image: found.images.busybox,
          command: ['sleep', '3600'],
          resources: { limits: { 'nvidia.com/gpu': HELD } },
        },
      ],
    },
  });
  const folder = await createLaminaFolder(environment);
  opened.push(folder);
  const lamina = await folder.start();
  const gpus = await untilGpus(lamina.url, ({ classes }) => classes.some(({ free }) => free === 1));
  const scarce = gpus.classes.find(({ free }) => free === 1);
  assert.ok(scarce);

  const submission = (name: string, seeds: readonly number[]): Submission => {
    const tiny = tinyDocument({ name, steps: 20, seeds, maxParallel: 3, layers: ['all'], precisions: ['fp32'] });
    const document = JSON.stringify({ ...tiny, resources: { gpuClass: scarce.name, gpus: 1 } });
    return { document, baseDirectory: cache, reuse: true };
  };
  const { id: first } = await lamina.client.submit(submission('first', [1]));
  assert.equal((await untilEnded(lamina.client, first, PATIENCE_MS)).state, 'succeeded', lamina.output());

  const { id: second, forecast } = await lamina.client.submit(submission('second', [2, 3, 4]));
  assert.ok(forecast?.end && forecast.gpuHours, JSON.stringify(forecast));
  const one = forecast.cells[0]?.duration?.seconds.median ?? 0;
  const told = (Date.parse(forecast.end.median) - Date.parse(forecast.madeAt)) / 1000;
  assert.ok(told > 2 * one, `three trials of ${one} s, one after the other: ${told} s`);
  const ended = await untilEnded(lamina.client, second, PATIENCE_MS);
  assert.equal(ended.state, 'succeeded', lamina.output());
  const took = (Date.parse(ended.endedAt ?? '') - Date.parse(forecast.madeAt)) / 1000;
  context.diagnostic(
    `one trial ${one.toFixed(1)} s; three were told to take ${told.toFixed(1)} s and took ${took.toFixed(1)} s`,
  );
});

async function untilGpus(url: string, what: (inventory: GpuInventory) => boolean): Promise<GpuInventory> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    const response = await fetch(`${url}/v1/gpus`);
    const inventory = (await response.json()) as GpuInventory;
    if (response.ok && what(inventory)) return inventory;
    assert.ok(performance.now() < giveUpAt, JSON.stringify(inventory));
    await sleep(500);
  }
}
