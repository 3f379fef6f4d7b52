/** The self-contained report, opened as a file. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { fillReport } from '@lamina/api/report.ts';
import { compareTrials } from '@lamina/domain/results/compare.ts';
import type { Comparison } from '@lamina/domain/results/types.ts';
import type { Browser } from 'playwright-core';
import { chromiumMissing, launchChromium, watchedPage } from '../support/chromium.ts';
import { sampleExperiment, sampleResult } from '../support/sample.ts';

const builder = join(import.meta.dirname, '../../services/web/build.ts');

/** A comparison of nine cells over two seeds, one trial of which failed. */
function comparison(name: string): Comparison {
  const { expansion } = sampleExperiment({ name, seeds: [1, 2] });
  return compareTrials({
    experimentId: 'e-report',
    name,
    state: 'failed',
    baselineCellId: expansion.baselineCellId,
    trials: expansion.trials.map((trial, index) =>
      index === 4
        ? { trial, state: 'failed', reusedFrom: null, result: null }
        : { trial, state: 'succeeded', reusedFrom: null, result: sampleResult(trial, 'attempt') },
    ),
  });
}

describe('report', { skip: chromiumMissing() ?? false }, () => {
  let folder: string;
  let template: string;
  let browser: Browser;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lamina-report-'));
    await promisify(execFile)(process.execPath, [builder, folder]);
    template = await readFile(join(folder, 'dist-report/report.html'), 'utf8');
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function open(html: string) {
    const path = join(folder, 'comparison.html');
    await writeFile(path, html);
    const home = pathToFileURL(path).href;
    const watched = await watchedPage(browser, home);
    await watched.page.context().setOffline(true);
    await watched.page.goto(home);
    return watched;
  }

  test('draws its plots and tables from the JSON inside it, without any request', async () => {
    const data = comparison('Depth </script><b>and</b> precision');
    const { page, errors, foreign } = await open(fillReport(template, data));
    await page.getByRole('heading', { level: 1, name: data.name }).waitFor();
    await page.getByText(data.recommendation.sentence).waitFor();
    const figures = page.getByRole('figure');
    await figures.nth(3).locator('svg[role=img]').waitFor();
    for (let index = 0; index < 4; index += 1) {
      assert.ok((await figures.nth(index).locator('svg [aria-label=dot] path').count()) >= 8);
    }
    const table = page.getByRole('table', { name: 'Training matrix' });
    assert.equal(await table.locator('tbody tr').count(), 9);
    assert.equal(await table.locator('tbody').getByText('NaN').count(), 0);
    await page.getByRole('table', { name: 'Cost of quantization' }).waitFor();
    await page.getByRole('table', { name: 'Depth' }).waitFor();
    assert.deepEqual([errors, foreign], [[], []]);
    await page.close();
  });

  test('what was not measured is a dash in the table and in the heatmap', async () => {
    const full = comparison('holes');
    const nothing = { n: 0, mean: null, sd: null, low: null, high: null, samples: [] };
    const rows = full.rows.map((row, index) =>
      index === 5 ? { ...row, loss: nothing, perplexity: nothing, accuracy: nothing } : row,
    );
    const { page } = await open(fillReport(template, { ...full, rows }));
    const row = page.getByRole('table', { name: 'Training matrix' }).locator('tbody tr').nth(5);
    assert.equal(await row.locator('td').first().innerText(), '–');
    const cell = page.getByRole('table', { name: 'Held-out loss by layers and precision' }).locator('tbody td').nth(5);
    assert.match(await cell.innerText(), /^–/);
    await page.close();
  });

  test('prints on paper of its own colours, with everything that scrolls laid out', async () => {
    const { page } = await open(fillReport(template, comparison('on paper')));
    await page.getByRole('figure').nth(3).locator('svg[role=img]').waitFor();
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)');
    const scrolled = await page
      .locator('[role=region]')
      .evaluateAll((regions) => regions.map((region) => getComputedStyle(region).overflow));
    assert.deepEqual(new Set(scrolled), new Set(['visible']));
    const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
    const pages = pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    assert.ok(pages >= 2 && pages <= 8, `${pages} pages`);
    await page.close();
  });

  test('without a comparison it says that it is a template', async () => {
    const { page, errors } = await open(template);
    await page.getByRole('heading', { name: 'No comparison in this file' }).waitFor();
    assert.deepEqual(errors, []);
    await page.close();
  });
});
