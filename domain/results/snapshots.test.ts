/**
 * Every format of a comparison with every table, to the last digit. After a change that is meant, write them again:
 * `node --test --test-update-snapshots domain/results/snapshots.test.ts`, and read the difference.
 */
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { canonical } from '../vocabulary/canonical.ts';
import { toCsv } from './render-csv.ts';
import { toMarkdown } from './render-markdown.ts';
import { TABLE_IDS } from './tables/registry.ts';
import { richComparison } from './testing/rich.ts';

const AS_IT_IS = { serializers: [String] };
const comparison = richComparison();
const snapshot = (name: string) => fileURLToPath(new URL(`testing/snapshots/${name}`, import.meta.url));

test('the comparison as JSON', (t) => {
  t.assert.fileSnapshot(
    JSON.stringify(JSON.parse(canonical(comparison)), null, 1),
    snapshot('comparison.json.txt'),
    AS_IT_IS,
  );
});

test('the comparison as Markdown', (t) => {
  t.assert.fileSnapshot(toMarkdown(comparison), snapshot('comparison.md'), AS_IT_IS);
});

for (const table of TABLE_IDS) {
  test(`the table ${table} as CSV`, (t) => {
    t.assert.fileSnapshot(toCsv(comparison, table), snapshot(`${table}.csv`), AS_IT_IS);
  });
}
