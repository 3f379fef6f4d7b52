/** What scheduler and trainer exchange, as JSON Schema (draft 2020-12) and as named types for the trainer's models. */
import { z } from 'zod';
import * as generation from './generation.ts';
import * as result from './result.ts';
import * as search from './search.ts';
import * as settings from './settings.ts';
import * as trial from './trial.ts';
import * as units from './units.ts';
import * as vocabulary from './vocabulary.ts';

/** Contracts by the name of their schema and of the example documents that belong to them. */
export const CONTRACTS = {
  'trial-request': trial.trialRequest,
  'generate-request': generation.generateRequest,
  'generation-result': generation.generationResult,
  'event-batch': trial.eventBatch,
  'event-receipt': trial.eventReceipt,
  'trial-result': result.trialResult,
  'trial-exit': trial.trialExit,
  'advance-study-input': search.advanceStudyInput,
  'advance-study-output': search.advanceStudyOutput,
} as const;
export type ContractName = keyof typeof CONTRACTS;

/** Modules whose exported schemas are types of the trainer, each in a module of the same name. */
const MODULES = { units, vocabulary, settings, result, trial, generation, search } as const;

/** A JSON Schema. `$comment` is the name of the exported schema that a value without a definition is an instance of. */
export type JsonSchema = z.core.JSONSchema.JSONSchema;

export interface ContractType {
  readonly name: string;
  readonly module: string;
  readonly schema: JsonSchema;
}

const objects = z.registry<{ id: string }>();
const names = new Map<z.core.$ZodType, string>();
const modules = new Map<string, { readonly module: string; readonly schema: z.ZodType }>();
for (const [module, exported] of Object.entries(MODULES)) {
  for (const [key, schema] of Object.entries(exported)) {
    if (!(schema instanceof z.ZodType)) continue;
    const name = `${key[0]?.toUpperCase()}${key.slice(1)}`;
    names.set(schema, name);
    modules.set(name, { module, schema });
    if (schema instanceof z.ZodObject) schema.register(objects, { id: name });
  }
}

/** Documents as they are read: a field with a default may be absent, so that those of an older release still are. */
function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: 'input',
    metadata: objects,
    override: ({ zodSchema, jsonSchema }) => {
      const description = z.globalRegistry.get(zodSchema)?.description;
      if (description !== undefined) jsonSchema.description ??= description;
      const name = nameOf(zodSchema);
      if (name !== null) jsonSchema.$comment = name;
    },
  });
}

/** The name that a schema is exported by, or the one that it is a copy of with another description. */
function nameOf(schema: z.core.$ZodType): string | null {
  for (let one: z.core.$ZodType | undefined = schema; one !== undefined; one = one._zod.parent) {
    const name = names.get(one);
    if (name !== undefined) return name;
  }
  return null;
}

/** The name of a contract's type. */
export function typeNameOf(schema: z.ZodType): string {
  const name = names.get(schema);
  if (name === undefined) throw new Error('the schema of a contract must be exported');
  return name;
}

/** Every exported type by its name. */
export function contractTypes(): ReadonlyMap<string, ContractType> {
  return new Map(
    [...modules].map(([name, { module, schema }]) => {
      const { $schema: _, $defs = {}, ...rest } = jsonSchemaOf(schema);
      return [name, { name, module, schema: $defs[name] ?? rest }];
    }),
  );
}

/** JSON Schemas by file name. */
export function generatedContracts(): Readonly<Record<string, unknown>> {
  const schemas = Object.entries(CONTRACTS).map(([name, schema]) => [
    `${name}.schema.json`,
    { title: name, ...jsonSchemaOf(schema) },
  ]);
  return Object.fromEntries(schemas);
}
