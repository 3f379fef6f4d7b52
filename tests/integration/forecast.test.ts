/** Forecasts from real trials: the first experiment is the history of the second, whose forecast is then checked. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Submission } from '@lamina/cli/client.ts';
import { forecastAccuracyView } from '@lamina/domain/contract/forecast.ts';
import { untilEnded, untilExperiment } from '../support/following.ts';
import { createLaminaFolder, type LaminaFolder, type RunningLamina } from '../support/lamina-process.ts';
import { saveTinyModel, tinyDocument } from '../support/tiny.ts';

const PATIENCE_MS = 180_000;

let folder: LaminaFolder;
let lamina: RunningLamina;
before(async () => {
  folder = await createLaminaFolder();
  await saveTinyModel(folder.path);
  lamina = await folder.start();
});
after(() => folder.remove());

function submission(name: string, seeds: readonly number[], steps = 20): Submission {
  const document = tinyDocument({ name, steps, seeds, maxParallel: 1, layers: ['all', 2], precisions: ['fp32'] });
  return { document: JSON.stringify(document), baseDirectory: folder.path, reuse: true };
}

async function accuracy() {
  return forecastAccuracyView.parse(await (await fetch(`${lamina.url}/v1/forecast/accuracy`)).json());
}

test('the second experiment is predicted from the first, and the error of that is told', async (context) => {
  const nothing = await lamina.client.preview(submission('first', [1, 2]));
  assert.equal(nothing.forecast?.unknown, 'no like trial has run yet');

  const { id: first } = await lamina.client.submit(submission('first', [1, 2]));
  assert.equal((await untilEnded(lamina.client, first, PATIENCE_MS)).state, 'succeeded');
  assert.equal((await accuracy()).end.n, 0, 'nothing was claimed, so nothing can be off');

  const preview = await lamina.client.preview(submission('second', [3, 4, 5]));
  assert.deepEqual(
    preview.cells.map(({ duration }) => [duration?.basis, duration?.n]),
    [
      ['same-cell', 2],
      ['same-cell', 2],
    ],
  );
  assert.ok(preview.forecast?.end && preview.forecast.trialHours);
  const { low, median, high } = preview.forecast.end;
  assert.ok(low < median && median < high);

  const { id: second } = await lamina.client.submit(submission('second', [3, 4, 5]));
  const going = await untilExperiment(lamina.client, second, ({ counts }) => (counts.succeeded ?? 0) >= 2, PATIENCE_MS);
  assert.ok(going.forecast === null || going.forecast.end !== null, 'its end is known while it runs');
  const ended = await untilEnded(lamina.client, second, PATIENCE_MS);
  assert.equal(ended.state, 'succeeded');
  assert.equal(ended.forecast, null);

  const [short, long] = [
    await lamina.client.preview(submission('longer', [1], 40)),
    await lamina.client.preview(submission('longer', [1], 400)),
  ].map(({ cells }) => cells[0]?.duration);
  assert.equal(short?.basis, 'same-shape');
  assert.ok((long?.seconds.median ?? 0) > short.seconds.median, 'ten times the steps take longer');

  // A process looks at past errors every ten seconds.
  await lamina.stop();
  lamina = await folder.start();
  const { end, duration, start } = await accuracy();
  assert.equal(end.n, 1);
  assert.equal(duration.n, 2);
  assert.equal(start.n, 1);
  const spoken = { end: end.medianError, duration: duration.medianError, start: start.medianErrorSeconds };
  assert.ok(
    Object.values(spoken).every((error) => error !== null && Number.isFinite(error)),
    JSON.stringify(spoken),
  );
  const next = await lamina.client.preview(submission('third', [6]));
  assert.equal(next.forecast?.pastError.n, 1);
  context.diagnostic(`off by ${JSON.stringify(spoken)}`);
});
