/** The table of example documents: one valid base per contract, and changes to it with the answer that both sides give. */
import { readFileSync } from 'node:fs';
import { CONTRACTS, type ContractName } from '@lamina/domain/contract/schemas.ts';

/** A change to the base. Keys and `remove` are JSON pointers. */
interface Case {
  readonly name: string;
  readonly set?: Readonly<Record<string, unknown>>;
  readonly remove?: readonly string[];
  /** Where the document is wrong; absent where it is accepted. */
  readonly wrong?: readonly string[];
  /** What reading fills in for fields that are left out. */
  readonly reads?: Readonly<Record<string, unknown>>;
}

export interface Example {
  readonly name: string;
  readonly document: unknown;
  /** The document as it is read where it is accepted. */
  readonly read: unknown;
  /** Pointers to what is wrong, sorted; empty: the document is accepted. */
  readonly wrong: readonly string[];
}

export const CONTRACT_NAMES = Object.keys(CONTRACTS) as ContractName[];

/** Every example of a contract, the unchanged base first. */
export function examplesOf(contract: ContractName): readonly Example[] {
  const file = new URL(`examples/${contract}.json`, import.meta.url);
  const table = JSON.parse(readFileSync(file, 'utf8')) as { readonly base: unknown; readonly cases: readonly Case[] };
  return [
    { name: 'base', document: table.base, read: table.base, wrong: [] },
    ...table.cases.map((one) => {
      const document = changed(table.base, one);
      const read = changed(document, { set: one.reads ?? {} });
      return { name: one.name, document, read, wrong: [...(one.wrong ?? [])].sort() };
    }),
  ];
}

/** A JSON pointer (RFC 6901) of a path. */
export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function changed(base: unknown, { set = {}, remove = [] }: Omit<Case, 'name'>): unknown {
  const document = structuredClone(base);
  for (const [pointer, value] of Object.entries(set)) {
    const [parent, key] = resolve(document, pointer);
    parent[key] = value;
  }
  for (const pointer of remove) {
    const [parent, key] = resolve(document, pointer);
    if (!(key in parent)) throw new Error(`the base has no ${pointer} to remove`);
    delete parent[key];
  }
  return document;
}

function resolve(document: unknown, pointer: string): [parent: Record<string, unknown>, key: string] {
  const parts = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  let node = document;
  for (const part of parts.slice(0, -1)) node = (node as Record<string, unknown>)[part];
  return [node as Record<string, unknown>, parts.at(-1) ?? ''];
}

/** A document without the nulls that reading filled in and the other does not name: no example has to name them. */
export function withoutNulls(document: unknown, named: unknown): unknown {
  if (Array.isArray(document) && Array.isArray(named)) return document.map((one, at) => withoutNulls(one, named[at]));
  if (!isRecord(document) || !isRecord(named)) return document;
  const kept = Object.entries(document).filter(([key, value]) => value !== null || key in named);
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutNulls(value, named[key])]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every single change to a document: a field gone, a field more, a value of another type or sign. */
export function* mutationsOf(document: unknown): Generator<{ readonly name: string; readonly document: unknown }> {
  for (const pointer of pointersIn(document, '')) {
    const [parent, key] = resolve(document, pointer);
    if (!Array.isArray(parent))
      yield { name: `without ${pointer}`, document: changed(document, { remove: [pointer] }) };
    for (const value of [null, true, -1, 0, 0.5, 1e17, '', 'other', [], {}])
      yield {
        name: `${pointer} = ${JSON.stringify(value)}`,
        document: changed(document, { set: { [pointer]: value } }),
      };
    const value = parent[key];
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      yield { name: `more in ${pointer}`, document: changed(document, { set: { [`${pointer}/surplus`]: 1 } }) };
  }
}

function pointersIn(node: unknown, at: string): readonly string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => {
    const here = `${at}${pointerOf([key])}`;
    return [here, ...pointersIn(value, here)];
  });
}
