/**
 * Writes what is generated from the TypeScript sources: the trainer's contracts and the document's reference.
 * `npm run generate`; with `-- --check` nothing is written and the exit code says whether all is fresh.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CONTRACTS, contractTypes, generatedContracts, typeNameOf } from '../domain/contract/schemas.ts';
import { failureTables, trainerFailures } from '../domain/failures/published.ts';
import { readShape } from '../domain/memory/shape.ts';
import { publishedErrors } from '../domain/memory/testing/errors.ts';
import { studyRows } from '../domain/memory/testing/study.ts';
import { errorTables, fitTable } from '../domain/memory/testing/tables.ts';
import { documentSchema, referenceTables, withTables } from '../domain/spec/reference.ts';
import { capabilityTable, precisionTables } from '../domain/vocabulary/precision-tables.ts';
import { settingsTables } from '../k8s/settings/reference.ts';
import { errorsPage } from '../services/api/src/errors.ts';
import { pythonModels } from './lib/python-models.ts';

const root = join(import.meta.dirname, '..');

/** Every generated file by its path from the repository's root. In guides only the tables are generated. */
async function generatedFiles(): Promise<Readonly<Record<string, string>>> {
  const contracts = Object.entries(generatedContracts()).map(
    ([name, content]) => [`python-trainer/contracts/${name}`, json(content)] as const,
  );
  const roots = Object.values(CONTRACTS).map(typeNameOf);
  const models = [...pythonModels(contractTypes(), roots)].map(
    ([module, source]) => [`python-trainer/src/lamina_trainer/contract/${module}.py`, source] as const,
  );
  return {
    ...Object.fromEntries([...contracts, ...models]),
    'python-trainer/src/lamina_trainer/contract/capabilities.json': json(capabilityTable()),
    'python-trainer/src/lamina_trainer/failures.json': json(trainerFailures()),
    'docs/errors.md': errorsPage(),
    'docs/precisions.md': withTables(await text('docs/precisions.md'), precisionTables()),
    'docs/experiment.schema.json': json(documentSchema()),
    'docs/experiment.md': withTables(await text('docs/experiment.md'), referenceTables()),
    'docs/kubernetes/failures.md': withTables(await text('docs/kubernetes/failures.md'), failureTables()),
    'docs/kubernetes/settings.md': withTables(await text('docs/kubernetes/settings.md'), settingsTables()),
    'docs/guide/memory.md': withTables(await text('docs/guide/memory.md'), await memoryTables()),
  };
}

async function memoryTables(): Promise<Readonly<Record<string, string>>> {
  const config = readShape(JSON.parse(await text('examples/configs/llama3-8b.json')));
  if (!config.ok) throw new Error(config.message);
  const study = studyRows(await text('examples/llama3-8b-study.yaml'), config.shape);
  return {
    ...referenceTables(),
    'memory-errors': errorTables(publishedErrors()),
    'llama3-8b': fitTable(config.shape, study),
  };
}

function text(path: string): Promise<string> {
  return readFile(join(root, path), 'utf8');
}

/** Generated files whose content on disk differs from what would be written now. */
export async function staleFiles(): Promise<readonly string[]> {
  const stale: string[] = [];
  for (const [path, content] of Object.entries(await generatedFiles())) {
    const present = await readFile(join(root, path), 'utf8').catch(() => null);
    if (present !== content) stale.push(path);
  }
  return stale;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

async function main(): Promise<void> {
  const stale = await staleFiles();
  if (process.argv.includes('--check')) {
    if (stale.length > 0) console.error(`Stale, run npm run generate:\n${stale.join('\n')}`);
    process.exitCode = stale.length > 0 ? 1 : 0;
    return;
  }
  const files = await generatedFiles();
  for (const path of stale) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), files[path] ?? '');
  }
  console.log(stale.length === 0 ? 'Nothing changed.' : `Written:\n${stale.join('\n')}`);
}

if (import.meta.main) await main();
