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
}

export interface Example {
  readonly name: string;
  readonly document: unknown;
  /** Pointers to what is wrong, sorted; empty: the document is accepted. */
  readonly wrong: readonly string[];
}

export const CONTRACT_NAMES = Object.keys(CONTRACTS) as ContractName[];

/** Every example of a contract, the unchanged base first. */
export function examplesOf(contract: ContractName): readonly Example[] {
  const file = new URL(`examples/${contract}.json`, import.meta.url);
  const table = JSON.parse(readFileSync(file, 'utf8')) as { readonly base: unknown; readonly cases: readonly Case[] };
  return [
    { name: 'base', document: table.base, wrong: [] },
    ...table.cases.map((one) => ({
      name: one.name,
      document: changed(table.base, one),
      wrong: [...(one.wrong ?? [])].sort(),
    })),
  ];
}

/** A JSON pointer (RFC 6901) of a path. */
export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function changed(base: unknown, { set = {}, remove = [] }: Case): unknown {
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
