/** The built dashboard in a real browser, served by the real API over a real database. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Comparison } from '@lamina/domain/results/types.ts';
import type { Browser, Page } from 'playwright-core';
import { testApi } from '../support/api.ts';
import { chromiumMissing, launchChromium, watchedPage } from '../support/chromium.ts';
import { type Sample, sampleEvents, sampleExperiment } from '../support/sample.ts';
import { failAttempt, finishTrial, seedExperiment, startTrial } from '../support/seed.ts';

const RUNNING = 'e-running';
const COMPLETE = 'e-complete';
const root = join(import.meta.dirname, '../..');

describe('dashboard', { skip: chromiumMissing() ?? false }, () => {
  let folder: string;
  let api: Awaited<ReturnType<typeof testApi>>;
  let home: string;
  let browser: Browser;
  let running: Sample;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lamina-web-'));
    await promisify(execFile)(process.execPath, [join(root, 'services/web/build.ts'), folder]);
    api = await testApi({
      webRoot: join(folder, 'dist'),
      reportTemplate: join(folder, 'dist-report/report.html'),
    });
    home = await api.app.listen({ port: 0, host: '127.0.0.1' });
    running = sampleExperiment({ name: 'Depth and precision, under way', seeds: [1, 2] });
    await seedRunning(running);
    await seedComplete(sampleExperiment({ name: 'Depth and precision, done', seeds: [1, 2, 3] }));
    browser = await launchChromium();
  });

  after(async () => {
    await browser?.close();
    await api?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Nine cells, two seeds: seven trials measured, one failed, one waiting to retry, two running. */
  async function seedRunning({ expansion: { trials }, ...rest }: Sample): Promise<void> {
    await seedExperiment(api, RUNNING, { expansion: { ...running.expansion, trials }, ...rest });
    await api.engine.control.start(RUNNING);
    for (const trial of trials.slice(0, 7)) await finishTrial(api, RUNNING, trial);
    await finishTrial(api, RUNNING, trials[7]!, { state: 'failed' });
    await failAttempt(api, RUNNING, trials[8]!);
    await startTrial(api, RUNNING, trials[9]!, { step: 12 });
    await startTrial(api, RUNNING, trials[10]!);
  }

  async function seedComplete(sample: Sample): Promise<void> {
    await seedExperiment(api, COMPLETE, sample);
    await api.engine.control.start(COMPLETE);
    for (const trial of sample.expansion.trials) await finishTrial(api, COMPLETE, trial);
    await api.store.setExperimentState(COMPLETE, 'succeeded');
  }

  /** Opens a path, runs the body, and expects silence on the console and no call to anywhere else. */
  async function visit(
    path: string,
    body: (page: Page) => Promise<void>,
    { expected, ...options }: Parameters<typeof watchedPage>[2] & { expected?: RegExp } = {},
  ): Promise<void> {
    const { page, errors, foreign } = await watchedPage(browser, home, options);
    try {
      await page.goto(home + path);
      await body(page);
      assert.deepEqual(
        errors.filter((error) => !expected?.test(error)),
        [],
      );
      assert.deepEqual(foreign, []);
    } finally {
      await page.close();
    }
  }

  const square = (page: Page, index: number) => page.locator(`[data-trial="${running.expansion.trials[index]!.id}"]`);

  async function comparisonOf(id: string): Promise<Comparison> {
    return (await fetch(`${home}/v1/experiments/${id}/comparison.json`)).json() as Promise<Comparison>;
  }

  test('the list names experiments with state and progress, finds by name, and opens one by keyboard', async () => {
    await visit('/', async (page) => {
      const rows = page.getByRole('table', { name: 'Experiments, newest first' }).locator('tbody tr');
      await rows.nth(1).waitFor();
      assert.equal(await rows.count(), 2);
      const text = await rows.filter({ hasText: 'under way' }).innerText();
      assert.match(text, /Running/);
      assert.match(text, /8\/18/);
      await page.getByRole('searchbox', { name: 'Search by name' }).fill('under');
      await rows.filter({ hasText: 'done' }).waitFor({ state: 'detached' });
      await page.getByRole('searchbox', { name: 'Search by name' }).fill('nothing of the sort');
      await page.getByText('No experiment matches').waitFor();
      await page.getByRole('searchbox', { name: 'Search by name' }).fill('');
      await page.getByRole('link', { name: 'Depth and precision, done' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: 'Depth and precision, done' }).waitFor();
      assert.equal(new URL(page.url()).pathname, `/experiments/${COMPLETE}`);
    });
  });

  test('the GPUs of the cluster, how many are free, and why there are none', async () => {
    const seen = { source: 'a cluster', at: new Date().toISOString() };
    const a100 = { name: 'A100', product: 'A100', memoryBytes: 40 * 2 ** 30, computeCapability: '8.0', mig: null };
    const counts = { nodes: 2, perNode: 4, total: 8, free: 3, pricePerHour: null };
    await visit('/', async (page) => {
      await page.getByRole('link', { name: 'GPUs' }).click();
      await page.getByText('No worker has looked for GPUs yet.').waitFor();
      await api.store.putGpuInventory({ ...seen, classes: [{ ...a100, ...counts }], note: null });
      await page.reload();
      const text = await page.getByRole('row', { name: /A100/ }).innerText();
      assert.match(text, /A100\s+40\.00 GiB\s+8\.0\s+2\s+4\s+3 of 8/);
    });
    await api.store.putGpuInventory({ ...seen, classes: [], note: null });
  });

  test('the grid has a cell for each depth and precision and a square for each seed, in words too', async () => {
    await visit(`/experiments/${RUNNING}`, async (page) => {
      const grid = page.getByRole('table', { name: 'Trials by layers and precision' });
      await grid.waitFor();
      assert.deepEqual(
        (await grid.locator('thead th').allInnerTexts()).map((text) => text.replace(/\s+/g, ' ')),
        ['bf16 lora', 'int8 qlora', 'nf4-dq qlora'],
      );
      assert.deepEqual(await grid.locator('tbody th').allInnerTexts(), ['all layers', '12 layers', '6 layers']);
      assert.equal(await grid.locator('[data-trial]').count(), 18);
      const states = await grid
        .locator('[data-trial]')
        .evaluateAll((squares) => squares.map((s) => s.getAttribute('data-state')));
      const counted = (state: string) => states.filter((one) => one === state).length;
      assert.deepEqual(['succeeded', 'failed', 'retrying', 'running', 'pending'].map(counted), [7, 1, 1, 2, 7]);
      assert.match((await square(page, 7).getAttribute('aria-label')) ?? '', /seed 1: failed, out of host memory/);
      assert.match((await square(page, 9).getAttribute('aria-label')) ?? '', /seed 2: running, training 12\/40/);
      await page.getByRole('list', { name: 'Trials by state' }).getByText('7 succeeded').waitFor();
      await page.getByText(/combinations are left out/).click();
      await page.getByText('all layers · int8 · lora').waitFor();
    });
  });

  test('the header says when it ends, from like trials, and what such answers were worth', async () => {
    await visit(`/experiments/${RUNNING}`, async (page) => {
      const ends = page.getByText(/^about \d\d:\d\d(:\d\d)? \(\d\d:\d\d.*–.*\)$/);
      await ends.waitFor();
      assert.match((await ends.getAttribute('title')) ?? '', /no forecast has been checked yet/);
    });
    await visit('/', async (page) => {
      const row = page.getByRole('row').filter({ hasText: 'under way' });
      assert.match(await row.innerText(), /\d+(\.\d)? (s|min)( \d+ s)? left/);
    });
  });

  test('progress and outcomes appear by themselves', async () => {
    await visit(`/experiments/${RUNNING}`, async (page) => {
      await page.getByText('Live', { exact: true }).waitFor();
      await page.getByText('training 12/40').waitFor();
      const trial = running.expansion.trials[9]!;
      await api.store.appendTrialEvents(`${RUNNING}-${trial.id.slice(0, 12)}-1`, sampleEvents(trial, 25).slice(16));
      await page.getByText('training 25/40').waitFor();
      assert.equal(await page.getByText('training 12/40').count(), 0);
      const row = page.getByRole('table', { name: 'Training matrix' });
      await row.waitFor();
      await finishTrial(api, RUNNING, trial);
      await page.locator(`[data-trial="${trial.id}"][data-state="succeeded"]`).waitFor();
      await page.getByRole('list', { name: 'Trials by state' }).getByText('8 succeeded').waitFor();
    });
  });

  test('a lost event stream is said, survived by asking, and taken up again', async () => {
    const body = async (page: Page) => {
      await page.getByText('Live', { exact: true }).waitFor();
      await page.route('**/events', (route) => route.abort());
      await page.reload();
      await page.getByText(/Reconnecting/).waitFor();
      const trial = running.expansion.trials[11]!;
      await finishTrial(api, RUNNING, trial);
      await page.locator(`[data-trial="${trial.id}"][data-state="succeeded"]`).waitFor();
      await page.unroute('**/events');
      await page.getByText('Live', { exact: true }).waitFor();
    };
    await visit(`/experiments/${RUNNING}`, body, { expected: /ERR_FAILED/ });
  });

  test('the comparison shows the numbers of the API, and its plots', async () => {
    const comparison = await comparisonOf(COMPLETE);
    await visit(`/experiments/${COMPLETE}`, async (page) => {
      await page.getByText(comparison.recommendation.sentence).waitFor();
      for (const note of comparison.notes) await page.getByText(note).waitFor();
      const heatmap = page.getByRole('table', { name: 'Held-out loss by layers and precision' });
      const shown = await heatmap.locator('tbody td').allInnerTexts();
      assert.deepEqual(
        shown.map((text) => text.split('\n')[0]),
        comparison.rows.map((row) => row.loss.mean!.toFixed(3)),
      );
      for (const title of [
        'Held-out loss with 95 % intervals',
        'Quality against memory',
        'Quality against speed',
        'Total bits',
      ]) {
        const figure = page.getByRole('figure').filter({ has: page.getByRole('heading', { name: title }) });
        await figure.locator('svg[role=img]').waitFor();
        const marks = await figure.locator('svg [aria-label=dot] path').count();
        assert.ok(marks >= 9, `${title} has ${marks} marks`);
      }
      await page.getByRole('radio', { name: 'Speed' }).check({ force: true });
      await page.getByRole('table', { name: 'Speed by layers and precision' }).waitFor();
      await page.getByRole('heading', { name: 'Speed with 95 % intervals' }).waitFor();
    });
  });

  test('the training matrix sorts by a column in both directions and back', async () => {
    const { rows } = await comparisonOf(COMPLETE);
    const losses = rows.map((row) => row.loss.mean!);
    await visit(`/experiments/${COMPLETE}`, async (page) => {
      const table = page.getByRole('table', { name: 'Training matrix' });
      const header = table.getByRole('columnheader', { name: /Held-out loss/ });
      const column = async () =>
        (await table.locator('tbody tr td:nth-child(2)').allInnerTexts()).map((text) => Number.parseFloat(text));
      const rounded = (values: readonly number[]) => values.map((value) => Number(value.toFixed(3)));
      await header.getByRole('button').click();
      assert.equal(await header.getAttribute('aria-sort'), 'ascending');
      assert.deepEqual(await column(), rounded(losses.toSorted((a, b) => a - b)));
      await header.getByRole('button').press('Enter');
      assert.equal(await header.getAttribute('aria-sort'), 'descending');
      assert.deepEqual(await column(), rounded(losses.toSorted((a, b) => b - a)));
      await header.getByRole('button').press('Enter');
      assert.equal(await header.getAttribute('aria-sort'), 'none');
      assert.deepEqual(await column(), rounded(losses));
    });
  });

  test('arrow keys walk the grid, Enter opens a trial, Escape closes it and gives the focus back', async () => {
    await visit(`/experiments/${RUNNING}`, async (page) => {
      await square(page, 0).focus();
      for (const key of ['ArrowDown', 'ArrowRight', 'ArrowRight', 'ArrowUp']) await page.keyboard.press(key);
      const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
      assert.match((await focused()) ?? '', /^all layers · int8 · qlora, seed 1/);
      await square(page, 8).focus();
      await page.keyboard.press('Enter');
      const drawer = page.getByRole('dialog');
      await drawer.getByText('waiting to retry').waitFor();
      await drawer.getByRole('img', { name: /Training loss from step 1 to 9/ }).waitFor();
      await drawer.getByText('the trainer ended with exit code 1 (exit code 1)').waitFor();
      await drawer.getByText('weights loaded in 1.2 s').waitFor();
      await page.keyboard.press('Escape');
      await drawer.waitFor({ state: 'detached' });
      await page.waitForFunction(() =>
        /seed 1: waiting to retry/.test(document.activeElement?.getAttribute('aria-label') ?? ''),
      );
      assert.equal(new URL(page.url()).search, '');
    });
  });

  test('pausing, resuming and cancelling go through the API; cancelling asks first; a refusal is said', async () => {
    const body = async (page: Page) => {
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByText('Paused', { exact: true }).waitFor();
      assert.equal((await api.store.getExperiment(RUNNING))?.state, 'paused');
      await page.getByRole('button', { name: 'Resume' }).click();
      await page.getByText('Running', { exact: true }).waitFor();
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Keep running' }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      assert.equal((await api.store.getExperiment(RUNNING))?.state, 'running');
      api.engine.away = true;
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('alert').getByText('Could not pause').waitFor();
      api.engine.away = false;
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel experiment' }).click();
      await page.getByText('Cancelling', { exact: true }).waitFor();
    };
    await visit(`/experiments/${RUNNING}`, body, { expected: /status of 503/ });
  });

  test('narrow and dark, nothing runs out of the page and every control has a name', async () => {
    await visit(
      `/experiments/${COMPLETE}`,
      async (page) => {
        await page.getByRole('figure').nth(3).locator('svg[role=img]').waitFor();
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), 0);
        assert.equal(await page.locator('html').getAttribute('data-mantine-color-scheme'), 'dark');
        const nameless = await page
          .locator('button, a, input, select, [role=img], [role=region]')
          .evaluateAll((elements) =>
            elements.flatMap((element) => {
              const labels = 'labels' in element ? [...((element as HTMLInputElement).labels ?? [])] : [];
              const text = [
                element.getAttribute('aria-label'),
                element.textContent,
                ...labels.map((l) => l.textContent),
              ];
              return text.some((one) => one?.trim()) ? [] : [element.outerHTML];
            }),
          );
        assert.deepEqual(nameless, []);
      },
      { width: 390, height: 844, colorScheme: 'dark' },
    );
  });

  test('scripts come compressed and are kept by the browser, the page itself is asked for again', async () => {
    const page = await fetch(home, { headers: { accept: 'text/html' } });
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(await page.text())?.[1] ?? '';
    assert.match(page.headers.get('cache-control') ?? '', /max-age=0/);
    const response = await fetch(home + script, { headers: { 'accept-encoding': 'br' } });
    assert.equal(response.headers.get('content-encoding'), 'br');
    assert.match(response.headers.get('content-type') ?? '', /javascript/);
    assert.match(response.headers.get('cache-control') ?? '', /immutable/);
    assert.match(await response.text(), /createRoot|react/i);
  });

  test('an experiment that does not exist is said, and not asked for again', async () => {
    const body = async (page: Page) => {
      await page.getByRole('heading', { name: 'There is no such experiment' }).waitFor();
    };
    await visit('/experiments/e-nothing', body, { expected: /status of 404/ });
  });
});
