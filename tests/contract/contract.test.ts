/** The contract with the trainer: the same documents are held against zod here, against JSON Schema here, and against pydantic in the trainer's tests. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CONTRACTS, type ContractName } from '@lamina/domain/contract/schemas.ts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { staleFiles } from '../../scripts/generate.ts';

const examples = new URL('examples/', import.meta.url);
const schemas = new URL('../../python-trainer/contracts/', import.meta.url);
const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true }, allowUnionTypes: true });

function json(url: URL): unknown {
  return JSON.parse(readFileSync(url, 'utf8'));
}

function contractOf(file: string): ContractName {
  const name = file.split('.')[0] as ContractName;
  assert.ok(name in CONTRACTS, `${file} is named after no contract`);
  return name;
}

const validators = Object.fromEntries(
  Object.keys(CONTRACTS).map((name) => [name, ajv.compile(json(new URL(`${name}.schema.json`, schemas)) as object)]),
) as Record<ContractName, ReturnType<typeof ajv.compile>>;

for (const verdict of ['valid', 'invalid'] as const) {
  const files = readdirSync(new URL(`${verdict}/`, examples));
  test(`there are ${verdict} examples of every contract`, () => {
    assert.deepEqual(new Set(files.map(contractOf)), new Set(Object.keys(CONTRACTS)));
  });
  for (const file of files) {
    test(`${verdict}: ${file}`, () => {
      const document = json(new URL(`${verdict}/${file}`, examples));
      const name = contractOf(file);
      const parsed = CONTRACTS[name].safeParse(document);
      assert.equal(parsed.success, verdict === 'valid', JSON.stringify(parsed.error?.issues));
      if (parsed.success) assert.deepEqual(parsed.data, document, 'a complete document is read as it is');
      assert.equal(validators[name](document), verdict === 'valid', JSON.stringify(validators[name].errors));
    });
  }
}

test('what is generated from the sources is fresh', async () => {
  assert.deepEqual(await staleFiles(), [], 'run npm run generate');
});
