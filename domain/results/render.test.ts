import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareTrials } from './compare.ts';
import { counted, listing, significant, withHalfWidth, withRange } from './format.ts';
import { layersText } from './layers.ts';
import { toCsv } from './render-csv.ts';
import { toMarkdown } from './render-markdown.ts';
import { cellNumber, cellText } from './tables/column.ts';
import { layerRanges } from './tables/depth.ts';
import { MATRIX, statusText } from './tables/matrix.ts';
import { TABLES } from './tables/registry.ts';
import { GGUF_FILE as F16_FILE, inputOf, TASK_RESULT, trialOf } from './testing/trials.ts';

const GGUF_FILE = { ...F16_FILE, type: 'q4_0', fileBytes: 2 ** 28, sameTop: 0.9 } as const;

const TWO_CELLS = [
  trialOf({ seed: 1, loss: 2.5, rssBytes: 1.5 * 2 ** 30 }),
  trialOf({ seed: 2, loss: 2.7, rssBytes: 1.5 * 2 ** 30 }),
  trialOf({ seed: 1, precision: 'nf4', loss: 2.6 }),
  trialOf({ seed: 2, precision: 'nf4', state: 'failed' }),
];

function matrixColumn(id: string) {
  const column = MATRIX.columns.find((one) => one.id === id);
  assert.ok(column, id);
  return column;
}

test('numbers for people', () => {
  const table = [
    [12345, '12345'],
    [123.4, '123'],
    [12.34, '12.3'],
    [1.234, '1.23'],
    [0.01234, '0.0123'],
    [0, '0'],
    [-0.5, '-0.500'],
  ] as const;
  for (const [value, text] of table) assert.equal(significant(value), text);
  assert.equal(withHalfWidth({ mean: 12.34, low: 11.34, high: 13.34 }, significant), '12.3 ± 1.0');
  assert.equal(withHalfWidth({ mean: 12.34, low: null, high: null }, significant), '12.3');
  assert.equal(withHalfWidth({ mean: null, low: null, high: null }, significant), '–');
  assert.equal(
    withRange({ mean: 0.5, low: 0.4, high: 0.625 }, (x) => x.toFixed(2)),
    '0.50 [0.40, 0.63]',
  );
  assert.equal(listing(['a', 'b', 'c', 'd'], 2), 'a, b and 2 more');
  assert.equal(listing(['a', 'b'], 3), 'a and b');
  assert.equal(counted(1, 'row'), '1 row');
  assert.equal(layerRanges([0, 1, 2, 5, 7, 8]), '0–2, 5, 7–8');
});

test('depth for people', () => {
  assert.equal(layersText({ strategy: 'all' }, null), 'all');
  assert.equal(layersText({ strategy: 'all' }, 18), '18 (all)');
  assert.equal(layersText({ strategy: 'even', keep: 9 }, 18), '9 of 18 (even)');
  assert.equal(layersText({ strategy: 'drop-last', drop: 4 }, 18), '14 of 18 (drop-last)');
  assert.equal(layersText({ strategy: 'drop-last', drop: 4 }, null), 'without the last 4');
  assert.equal(layersText({ strategy: 'list', indices: [0, 3] }, null), '2 (list)');
});

test('cells show unit-scaled values and leave gaps visible', () => {
  const { rows } = compareTrials(inputOf(TWO_CELLS));
  const [bf16, nf4] = rows;
  assert.ok(bf16 && nf4);
  assert.equal(cellText(matrixColumn('peakMemoryBytes'), bf16), '1.50 ± 0.00');
  assert.equal(cellNumber(matrixColumn('peakMemoryBytes'), bf16), 1.5 * 2 ** 30);
  assert.equal(cellText(matrixColumn('joulesPerToken'), bf16), '–');
  assert.equal(cellText(matrixColumn('label'), bf16), 'all layers · bf16 · lora *');
  assert.equal(cellText(matrixColumn('lossDelta'), nf4), '+0.100');
  assert.equal(statusText(bf16), 'done');
  assert.equal(statusText(nf4), '1 of 2 failed');
});

test('CSV parses back to the numbers of the comparison', () => {
  const comparison = compareTrials(inputOf(TWO_CELLS, { name: 'x' }));
  const [header = '', ...lines] = toCsv(comparison).trimEnd().split('\r\n');
  const names = header.split(',');
  assert.equal(new Set(names).size, names.length, 'column names are unique');
  assert.equal(lines.length, 2);
  const record = Object.fromEntries((lines[0] ?? '').split(',').map((value, index) => [names[index], value]));
  assert.equal(Number(record['loss_mean']), comparison.rows[0]?.loss.mean);
  assert.equal(Number(record['peakMemoryBytes_mean']), 1.5 * 2 ** 30);
  assert.equal(record['memoryMetric'], 'peak-rss');
  assert.equal(record['joulesPerToken_mean'], '');
});

test('CSV has every table, with every column that people see and unrounded numbers', () => {
  const samples = { batchSize: 2, prefillSeconds: [0.2], decodeSeconds: [0.5], peakMemoryBytes: 1000 };
  const inference = {
    promptTokens: 10,
    newTokens: 5,
    trained: [samples],
    merged: [{ ...samples, decodeSeconds: [0.25] }],
  };
  const energy = { energyJoules: 64_000, idleWatts: 10, trainSeconds: 640 };
  const of = (seed: number, precision: 'bf16' | 'nf4') => {
    const trial = trialOf({ seed, precision, loss: 2 + seed / 7, inference, dequantizationShare: 0.2, ...energy });
    assert.ok(trial.result);
    return { ...trial, result: { ...trial.result, gguf: [GGUF_FILE], tasks: [TASK_RESULT] } };
  };
  const comparison = compareTrials(inputOf([of(1, 'bf16'), of(2, 'bf16'), of(1, 'nf4'), of(2, 'nf4')]));
  const read = (table: string) => {
    const [header = '', ...lines] = toCsv(comparison, table).trimEnd().split('\r\n');
    const names = header.split(',');
    assert.equal(new Set(names).size, names.length, `column names of ${table} are unique`);
    return {
      names,
      records: lines.map((line) => Object.fromEntries(line.split(',').map((value, i) => [names[i], value]))),
    };
  };
  for (const { id: table, columns } of TABLES) {
    const { names, records } = read(table);
    assert.equal(records.length, { cost: 1, search: 0, switching: 0 }[table] ?? 2, table);
    const elsewhere = ['layers', 'pAdjusted'];
    for (const { id, kind } of columns) {
      if (elsewhere.includes(id)) continue;
      assert.ok(names.includes(kind === 'measured' ? `${id}_mean` : id), `${table} has ${id}`);
    }
  }
  const [matrix] = read('matrix').records;
  assert.equal(Number(matrix?.['loss_mean']), comparison.rows[0]?.loss.mean);
  assert.equal(Number(matrix?.['netJoulesPerToken_mean']), (64_000 - 10 * 640) / 640);
  assert.equal(Number(matrix?.['rawLoss_mean']), 4);
  const [cost] = read('cost').records;
  assert.equal(cost?.['cellId'], comparison.quantizationCost[0]?.cellId);
  assert.equal(cost?.['netEnergyPerToken_mean'], '1');
  assert.equal(cost?.['tokensPerSecond_p'], '1');
  assert.equal(cost?.['dequantizationShare_mean'], '0.2');
  const [speeds] = read('inference').records;
  assert.equal(speeds?.['firstTokenP50'], '0.2');
  assert.equal(Number(speeds?.['decodeTokensPerSecond_mean']), 20);
  assert.ok(Math.abs(Number(speeds?.['mergedSpeedup_mean']) - 2) < 1e-12);
  assert.equal(read('depth').records[0]?.['rawLoss_mean'], '4');
  assert.equal(read('bits').records[0]?.['totalBits'], '4000000000');
  assert.deepEqual(
    ['type', 'fileBytes', 'perplexity_mean', 'sameTop_mean'].map((name) => read('gguf').records[0]?.[name]),
    ['q4_0', '268435456', '24', '0.9'],
  );
});

test('CSV quotes and disarms what users wrote', () => {
  const csv = toCsv(compareTrials(inputOf([trialOf({ parameters: { 'a,b': '=SUM("x")' } })])));
  assert.ok(csv.startsWith('cellId,'));
  assert.ok(csv.includes('"a,b"'));
  assert.ok(csv.includes(`"'=SUM(""x"")"`));
});

test('Markdown: the sentence on top, then the tables of the registry that have something to say, of even width', () => {
  const comparison = compareTrials(inputOf(TWO_CELLS, { name: 'night <b>|one|' }));
  const text = toMarkdown(comparison);
  assert.match(text, /^# night &lt;b\\>\\\|one\\\|\n\n\*\*Best held-out loss: /);
  const said = TABLES.filter((table) => table.whenEmpty === 'said' || table.rows(comparison).length > 0);
  assert.deepEqual(
    text.match(/^## .*$/gm),
    said.map(({ title }) => `## ${title}`),
  );
  assert.deepEqual(
    TABLES.filter(({ whenEmpty }) => whenEmpty === 'said').map(({ title }) => title),
    ['Training matrix', 'Cost of quantization', 'Depth', 'Total bits'],
  );
  for (const table of text.match(/(^\|.*\n)+/gm) ?? []) {
    const widths = table
      .trimEnd()
      .split('\n')
      .map((line) => line.replaceAll('\\|', '').split('|').length);
    assert.equal(new Set(widths).size, 1);
  }
  assert.ok(text.includes('GiB') && text.includes('tokens/s'));
  assert.ok(!text.includes('NaN') && !text.includes('undefined') && !text.includes('null'));
});

test('Markdown of an experiment in which nothing was measured', () => {
  const text = toMarkdown(compareTrials(inputOf([trialOf({ state: 'pending' })], { state: 'pending' })));
  assert.ok(text.includes('**No cell is complete yet: 0 of 1 trial measured.**'));
  assert.equal(text.match(/Nothing to show\./g)?.length, 3);
});
