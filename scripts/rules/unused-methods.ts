/** Methods that nothing but tests calls. knip looks at exports alone, and compilers at what is private. */
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type DocumentSymbol, KINDS, openLanguageServer, type Place } from './language-server.ts';

const TEST = /\.test\.tsx?$|\/testing\/|^tests\//;
/** Methods of interfaces and of classes. */
const OWNERS: readonly number[] = [KINDS.class, KINDS.interface];

/** Methods that are kept all the same, each with its reason; one that is called by now must be taken off. */
const KEPT: ReadonlyMap<string, string> = new Map([
  ['ExperimentStore.close', 'tests close the database of a store that they opened'],
  ['KubernetesRunner.leads', 'tests of several workers wait for the one that leads'],
  ['KubernetesRunner.logs', 'tests of the cluster read a log while it is written'],
  ['Tuner.pid', 'tests kill the process'],
]);

/** `files`: text by path from the root. Sentences about all methods that are never called. */
export async function unusedMethods(root: string, files: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const server = await openLanguageServer(root);
  try {
    const problems: string[] = [];
    for (const [path, text] of files) {
      if (TEST.test(path) || !/^export (?:abstract )?(?:interface|class) /m.test(text)) continue;
      const uri = pathToFileURL(join(root, path)).href;
      server.open(uri, text);
      for (const { owner, method } of methodsOf(await server.symbols(uri))) {
        const places = await server.references(uri, method.selectionRange.start);
        const isUsed = places.some((place) => isCall(place, root, files));
        const name = `${owner}.${method.name}`;
        if (isUsed && KEPT.has(name)) problems.push(`${path}: ${name} is called and need not be excused`);
        if (!isUsed && !KEPT.has(name) && !isOverride(method, text)) problems.push(`${path}: nothing calls ${name}`);
      }
    }
    return problems;
  } finally {
    await server.close();
  }
}

function methodsOf(symbols: readonly DocumentSymbol[]) {
  return symbols
    .filter(({ kind }) => OWNERS.includes(kind))
    .flatMap(({ name: owner, children = [] }) =>
      children.filter(({ kind }) => kind === KINDS.method).map((method) => ({ owner, method })),
    );
}

/** Whether a reference is a call or takes the method; implementations are references, too. */
function isCall({ uri, range: { start, end } }: Place, root: string, files: ReadonlyMap<string, string>): boolean {
  const path = fileURLToPath(uri).slice(root.length + 1);
  const lines = files.get(path)?.split('\n');
  if (lines === undefined || TEST.test(path)) return false;
  const line = lines[start.line] ?? '';
  const before = line.slice(0, start.character).trimEnd();
  const after = line.slice(end.character).trimStart();
  const isTaken = /^(?:[,}=]|$)/.test(after) || /^:\s*\w+[^]*\}\s*(?::|=[^>])/.test(after);
  return before.endsWith('.') || isTaken;
}

/** A library calls what its class declares. */
function isOverride({ selectionRange: { start } }: DocumentSymbol, text: string): boolean {
  return /\boverride\b/.test(text.split('\n')[start.line]?.slice(0, start.character) ?? '');
}
