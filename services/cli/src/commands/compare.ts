import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TABLE_IDS } from '@lamina/domain/results/tables/registry.ts';
import { defineCommand } from '../command.ts';
import { printComparison } from '../comparison.ts';
import { usageError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { experimentArgument, experimentId } from '../experiment-argument.ts';
import { bytesOf } from '../format/size.ts';

const FORMATS = ['table', 'json', 'csv', 'md', 'html'] as const;

export const compare = defineCommand({
  command: 'compare [experiment]',
  describe: 'compare the cells of an experiment',
  builder: (options) =>
    experimentArgument(options)
      .option('format', { choices: FORMATS, default: 'table' as const, describe: 'html is one file with the plots' })
      .option('output', { alias: 'o', type: 'string', requiresArg: true, describe: 'write to this file instead' })
      .option('table', {
        alias: 't',
        choices: TABLE_IDS,
        array: true,
        nargs: 1,
        describe: 'only this table (repeatable; of CSV, which holds one table, matrix unless named)',
      })
      .option('rows', {
        type: 'number',
        requiresArg: true,
        default: 40,
        describe: 'rows per table on the terminal; 0: all',
      })
      .option('max-memory', {
        type: 'string',
        requiresArg: true,
        describe: 'the best cell must need at most this, e.g. 16GiB',
      })
      .option('max-cost', {
        type: 'number',
        requiresArg: true,
        describe: 'one trial of the best cell may cost at most this',
      }),
  run: async ({ experiment, format, output, table, rows, maxMemory, maxCost }, { io, client, json }) => {
    const id = await experimentId(client, experiment);
    const limits = { maxMemoryBytes: maxMemory === undefined ? undefined : bytesOf(maxMemory), maxCost };
    const wanted = json ? 'json' : format;
    if (wanted === 'csv' && (table?.length ?? 0) > 1) {
      throw usageError('a CSV file holds one table', `name one: --table ${table?.[0]}`);
    }
    if (wanted !== 'table') {
      await deliver(
        await client.comparisonText(id, wanted, { ...limits, table: wanted === 'csv' ? table?.[0] : undefined }),
      );
      return EXIT_CODES.ok;
    }
    const comparison = await client.comparison(id, limits);
    let text = '';
    const plain = { ...io, out: (chunk: string) => void (text += chunk) };
    printComparison(comparison, output === undefined ? io : plain, {
      ...(table === undefined ? {} : { tables: table }),
      maxRows: rows > 0 ? rows : Number.POSITIVE_INFINITY,
    });
    if (output !== undefined) await deliver(text);
    return EXIT_CODES.ok;

    async function deliver(content: string): Promise<void> {
      if (output === undefined) return io.out(content.endsWith('\n') ? content : `${content}\n`);
      await writeFile(resolve(io.cwd, output), content);
      io.err(`wrote ${output}\n`);
    }
  },
});
