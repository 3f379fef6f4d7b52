import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { importDocument, importedText } from '@lamina/domain/import/import.ts';
import { SOURCES } from '@lamina/domain/import/source.ts';
import { defineCommand, writeJson } from '../command.ts';
import { readDocument } from '../document.ts';
import { usageError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { fileArgument, fileOf } from './document-options.ts';

export const importCommand = defineCommand({
  command: 'import [file]',
  describe: 'write an experiment document from the configuration of another tool',
  builder: (options) =>
    options
      .positional('file', { describe: 'its YAML file; "-" reads standard input', coerce: fileArgument })
      .option('from', { choices: SOURCES, describe: 'the tool, where the file does not tell' })
      .option('o', {
        alias: 'output',
        type: 'string',
        requiresArg: true,
        describe: 'file to write, in place of standard output',
      }),
  run: async ({ file, from, o }, { io, json }) => {
    const name = fileOf(file, undefined);
    const { document: text } = await readDocument(io, name, []);
    const imported = importDocument(text, from ?? null);
    if (!imported.ok) throw usageError(`${name} ${imported.message}`, imported.fix);
    const { title, document, left, placeholders } = imported;
    if (json) writeJson(io, { from: title, document, left, placeholders });
    else if (o === undefined) io.out(importedText(imported));
    else await writeFile(resolve(io.cwd, o), importedText(imported));
    for (const { key, why } of placeholders) io.err(`to do, ${key}: ${why}\n`);
    for (const { key, why } of left) io.err(`not carried over, ${key}: ${why}\n`);
    return EXIT_CODES.ok;
  },
});
