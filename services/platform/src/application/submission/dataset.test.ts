import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { DatasetRef } from '@lamina/domain/contract/settings.ts';
import { datasetInput } from '@lamina/domain/spec/references-input.ts';
import { resolveDataset } from './dataset.ts';
import { createFingerprints } from './fingerprints.ts';
import { createInputFiles } from './input-files.ts';
import { placesFrom } from './paths.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-dataset-'));
});
after(() => rm(folder, { recursive: true }));

async function resolve(input: unknown) {
  const found = await resolveDataset(datasetInput.parse(input) as DatasetRef, {
    places: placesFrom(folder),
    fingerprints: createFingerprints(),
    inputFiles: createInputFiles(null, { localPath: () => null }),
  });
  return { ...found, text: found.issues.map(({ path, message }) => `${path}: ${message}`).join('\n') };
}

const RECORDS = Array.from({ length: 80 }, (_, index) => ({ id: `${index}`, text: `A "note",\nnumber ${index}` }));
const LINES = RECORDS.map((record) => `${JSON.stringify(record)}\n`).join('');
const CSV = ['id,text', ...RECORDS.map(({ id, text }) => `${id},"${text.replaceAll('"', '""')}"`)].join('\r\n');

const GOOD: Readonly<Record<string, Buffer | string>> = {
  'a.jsonl': LINES,
  'bom-crlf.jsonl': `\ufeff${LINES.replaceAll('\n', '\r\n')}`,
  // Two letters in the middle of which stand the bytes of a line end.
  'wide.jsonl': Buffer.from(`\ufeff{"text":"\u0a0a\u0100"}\n${LINES}`, 'utf16le'),
  'big-endian.jsonl': Buffer.from(`\ufeff${LINES}`, 'utf16le').swap16(),
  'a.json': JSON.stringify(RECORDS, null, 2),
  'lines.json': LINES,
  'a.csv': CSV,
  'a.tsv': 'id\ttext\n1\tone\n',
  'a.jsonl.gz': gzipSync(LINES),
  'a.csv.zst': zstdCompressSync(CSV),
  'a.txt': 'one\r\n\r\ntwo',
};

for (const [name, content] of Object.entries(GOOD)) {
  test(`${name} is read without a complaint`, async () => {
    await writeFile(join(folder, name), content);
    const { text, warnings, dataset } = await resolve(`./${name}`);
    assert.equal(text, '');
    assert.deepEqual(warnings, []);
    assert.ok(dataset.source === 'file' && dataset.format !== null && dataset.fingerprint?.length === 64);
    assert.deepEqual(dataset.fields, { text: 'text' });
  });
}

const line = '{"text":"w1"}\n';
const BAD: readonly [name: string, content: Buffer | string, words: RegExp][] = [
  ['half.jsonl', `${line.repeat(60)}{"text":"w \\ud83d"}\n`, /^dataset.path: line 61 of .* half a surrogate pair/],
  ['null.jsonl', `${line.repeat(50)}{"text":null}\n`, /^dataset.path: line 51 of .* holds null in column 'text'/],
  ['broken.jsonl', `${line.repeat(70)}{"te`, /^dataset.path: line 71 of .* is not JSON/],
  ['nul.jsonl', `${line}{"text":"\\u0000"}`, /^dataset.path: line 2 of .* NUL/],
  ['latin.jsonl', Buffer.from(`${line}{"text":"caf\u00e9"}`, 'latin1'), /^dataset.path: line 2 of .* not UTF-8/],
  ['no-mark.jsonl', Buffer.from(line, 'utf16le'), /UTF-16 text without a byte order mark/],
  ['bad.json', '[{"text":"a"}, 5]', /record 2 of .* is not a JSON object/],
  ['cells.csv', 'id,text\n1,one\n2\n', /line 3 of .* has 1 cells, the header has 2/],
  ['open.csv', 'id,text\n1,one\n2,"two\n3,three\n', /line 3 of .* quote that is not closed/],
  ['empty.jsonl', '', /is empty/],
  ['blank.jsonl', '\n \n', /has no records/],
  ['cut.jsonl.gz', gzipSync(LINES).subarray(0, 80), /cannot be read/],
  ['pointer.jsonl', 'version https://git-lfs.github.com/spec/v1\n', /Git LFS pointer/],
  ['no.parquet', 'PK', /no Parquet file/],
  ['table.csv', 'PAR1....', /is a table, not csv/],
  ['notes.xlsx', 'anything', /format of .*notes\.xlsx is not known/],
];

for (const [name, content, words] of BAD) {
  test(`${name} is one mistake with its place`, async () => {
    await writeFile(join(folder, name), content);
    const { text, issues } = await resolve(`./${name}`);
    assert.match(text, words);
    assert.equal(issues.length, 1);
  });
}

test('records that are to be skipped are a warning', async () => {
  await writeFile(join(folder, 'skip.jsonl'), `${line}{"text":null}\n`);
  const { text, warnings } = await resolve({ source: 'file', path: 'skip.jsonl', onBadRecord: 'skip' });
  assert.equal(text, '');
  assert.match(warnings.join(), /will be skipped; the first: line 2 of/);
});

test('a missing file, a pattern without files and a hub id that is a file are told', async () => {
  assert.match((await resolve('./nowhere.csv')).text, /^dataset.path: .*nowhere\.csv does not exist on the server/);
  assert.match((await resolve('./nowhere-*.csv')).text, /^dataset.path: no file on the server matches/);
  await writeFile(join(folder, 'notes'), line);
  assert.match((await resolve('notes')).text, /^dataset: notes is a file on the server, and no hub id/);
});

test('shards have one format and one fingerprint, whatever the folder is called', async () => {
  const shards = join(folder, 'shards');
  await mkdir(shards);
  await writeFile(join(shards, 'b.jsonl'), LINES);
  await writeFile(join(shards, 'a.jsonl'), line);
  await writeFile(join(shards, 'README.md'), 'not a shard');
  const [whole, pattern] = [await resolve('./shards'), await resolve('./shards/*.jsonl')];
  assert.deepEqual([whole.text, pattern.text], ['', '']);
  assert.ok(whole.dataset.source === 'file' && pattern.dataset.source === 'file');
  assert.deepEqual([whole.dataset.format, whole.dataset.path], ['jsonl', shards]);
  assert.equal(pattern.dataset.path, join(shards, '*.jsonl'));
  assert.equal(whole.dataset.fingerprint, pattern.dataset.fingerprint);
  await writeFile(join(shards, 'c.csv'), CSV);
  assert.match((await resolve('./shards')).text, /several formats: .*a\.jsonl|several formats: .*b\.jsonl/);
});

test('a file of its own that is scored is looked at as well', async () => {
  await writeFile(join(folder, 'held.jsonl'), `${line}{"text":5}\n`);
  const asked = { source: 'file', path: 'a.jsonl', evaluation: { path: 'held.jsonl' } };
  assert.match((await resolve(asked)).text, /^dataset.evaluation.path|^dataset.fields/);
  await writeFile(join(folder, 'held.jsonl'), line);
  const { dataset, text } = await resolve(asked);
  assert.equal(text, '');
  assert.ok(dataset.source === 'file' && dataset.evaluation !== null && 'path' in dataset.evaluation);
  assert.deepEqual([dataset.evaluation.format, dataset.evaluation.path], ['jsonl', join(folder, 'held.jsonl')]);
});
