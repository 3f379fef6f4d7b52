/** The contract with the trainer: the same table of documents is held against zod and JSON Schema here, and against pydantic in the trainer's tests. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CONTRACTS, type ContractName } from '@lamina/domain/contract/schemas.ts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { staleFiles } from '../../scripts/generate.ts';
import { CONTRACT_NAMES, examplesOf, mutationsOf, pointerOf, withoutNulls } from './examples.ts';

const schemas = new URL('../../python-trainer/contracts/', import.meta.url);
const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true }, allowUnionTypes: true });

const validators = Object.fromEntries(
  CONTRACT_NAMES.map((name) => {
    const schema = JSON.parse(readFileSync(new URL(`${name}.schema.json`, schemas), 'utf8')) as object;
    return [name, ajv.compile(schema)];
  }),
) as Record<ContractName, ReturnType<typeof ajv.compile>>;

/** Where zod finds something wrong, sorted. An unknown field is named, and a value that fits no member of its union. */
function wrongIn(contract: ContractName, document: unknown): readonly string[] {
  const issues = CONTRACTS[contract].safeParse(document).error?.issues ?? [];
  const paths = issues.flatMap((issue): readonly (readonly PropertyKey[])[] =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path],
  );
  return [...new Set(paths.map(pointerOf))].sort();
}

test('every contract has its table of examples, and no table is left over', () => {
  const files = readdirSync(new URL('examples/', import.meta.url));
  assert.deepEqual(files.sort(), CONTRACT_NAMES.map((name) => `${name}.json`).sort());
});

for (const contract of CONTRACT_NAMES) {
  const examples = examplesOf(contract);

  test(`${contract}: some examples are accepted and some are not, each with a name of its own`, () => {
    assert.ok(examples.some(({ wrong }) => wrong.length > 0));
    assert.equal(new Set(examples.map(({ name }) => name)).size, examples.length);
  });

  for (const { name, document, read, wrong } of examples) {
    test(`${contract}: ${name}`, () => {
      assert.deepEqual(wrongIn(contract, document), wrong);
      assert.equal(validators[contract](document), wrong.length === 0, JSON.stringify(validators[contract].errors));
      if (wrong.length > 0) return;
      assert.deepEqual(withoutNulls(CONTRACTS[contract].parse(document), read), read);
    });
    if (wrong.length > 0) continue;
    test(`${contract}: ${name}: zod and the schema agree on every single change`, () => {
      for (const { name: change, document: mutant } of mutationsOf(document))
        assert.equal(CONTRACTS[contract].safeParse(mutant).success, validators[contract](mutant), change);
    });
  }
}

test('what is generated from the sources is fresh', async () => {
  assert.deepEqual(await staleFiles(), [], 'run npm run generate');
});
