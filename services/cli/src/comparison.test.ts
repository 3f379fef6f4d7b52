/** The comparison as a terminal shows it; written again by `node --test --test-update-snapshots` with this file. */
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { richComparison } from '@lamina/domain/results/testing/rich.ts';
import { Chalk } from 'chalk';
import { printComparison } from './comparison.ts';

const comparison = richComparison();

for (const [name, columns, level, maxRows] of [
  ['narrow.txt', 80, 0, 4],
  ['wide.txt', 400, 0, 40],
  ['coloured.txt', 140, 3, 40],
] as const) {
  test(`the comparison in a terminal of ${columns} columns`, (t) => {
    let text = '';
    const out = (chunk: string) => void (text += chunk);
    printComparison(comparison, { out, columns: () => columns, color: new Chalk({ level }) }, { maxRows });
    const path = fileURLToPath(new URL(`testing/snapshots/${name}`, import.meta.url));
    t.assert.fileSnapshot(text, path, { serializers: [String] });
  });
}
