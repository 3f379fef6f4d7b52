/** Configurations of other tools as experiment documents. Pure. */
import { stringify } from 'yaml';
import { parseDocument } from '../spec/parse.ts';
import { readText } from '../spec/text.ts';
import { axolotl } from './axolotl.ts';
import { Draft, isTree, type LeftOut, type Tree } from './draft.ts';
import { katib } from './katib.ts';
import { llamaFactory } from './llama-factory.ts';
import { apply } from './rules.ts';
import { SOURCES, type Source, type SourceName } from './source.ts';
import { trl } from './trl.ts';
import { wandb } from './wandb.ts';

/** In the order in which files are recognized: what names more of itself comes first. */
const READERS: readonly Source[] = [katib, llamaFactory, axolotl, trl, wandb];

export type Imported =
  | {
      readonly ok: true;
      /** The tool, as its makers write it. */
      readonly title: string;
      /** `parseDocument` takes it. */
      readonly document: Tree;
      readonly left: readonly LeftOut[];
      /** What stands in the place of something that the source does not name. */
      readonly placeholders: readonly LeftOut[];
    }
  | { readonly ok: false; readonly message: string; readonly fix: string };

/** @param from null: told from the content */
export function importDocument(text: string, from: SourceName | null): Imported {
  const read = readText(text);
  if ('issues' in read) {
    return { ok: false, message: `is no YAML: ${read.issues[0]?.message ?? ''}`, fix: 'correct the file' };
  }
  const input = read.value;
  if (!isTree(input)) return { ok: false, message: 'is no mapping of settings', fix: 'name a configuration file' };
  const source = READERS.find((each) => (from === null ? each.looks(input) : each.name === from));
  if (source === undefined) {
    return {
      ok: false,
      message: 'is of no tool that is known by its keys',
      fix: `name the tool: --from ${SOURCES.join(', ')}`,
    };
  }
  const draft = new Draft();
  draft.set('name', `imported from ${source.title}`);
  source.read(input, draft, (rules, settings) => apply(rules, settings, draft));
  const placeholders = completed(draft);
  return { ok: true, title: source.title, document: inOrder(draft.document), left: draft.left, placeholders };
}

/** Fills in what a document must have, and takes out what it cannot have, until it is one. */
function completed(draft: Draft): readonly LeftOut[] {
  const placeholders = new Map<string, LeftOut>();
  const stand = (key: string, value: unknown, shown: string) => {
    draft.set(key, value);
    placeholders.set(key, { key, why: `the source names none: put yours in the place of ${shown}` });
  };
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    if (draft.get('model') === undefined) stand('model', 'owner/model', 'owner/model');
    if (draft.get('dataset.source') === undefined) {
      const given = draft.get('dataset');
      stand('dataset', { source: 'hf', id: 'owner/dataset', ...(isTree(given) ? given : {}) }, 'owner/dataset');
    }
    const parsed = parseDocument(draft.document);
    if (parsed.ok) return [...placeholders.values()];
    for (const { path, message } of parsed.issues) takeOut(draft, path, message);
  }
  throw new Error('an imported document never became valid');
}

/** Each round takes something out, and no configuration has more than this that is wrong. */
const MOST_ROUNDS = 100;

/** The setting that is wrong, or the section that holds it. */
function takeOut(draft: Draft, path: string, message: string): void {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.search(/[.[][^.[]*$/)))) {
    if (draft.remove(at)) return draft.leave(at, `${message}; the document's default holds`);
  }
}

const ORDER = ['apiVersion', 'name', 'description', 'model', 'dataset', 'matrix', 'training', 'lora', 'quantization'];

function inOrder(document: Tree): Tree {
  const keys = [
    ...ORDER.filter((key) => key in document),
    ...Object.keys(document).filter((key) => !ORDER.includes(key)),
  ];
  return Object.fromEntries(keys.map((key) => [key, document[key]]));
}

/** The document as YAML, with what did not carry over as comments on top. */
export function importedText({ title, document, left, placeholders }: Extract<Imported, { ok: true }>): string {
  const lines = [
    `Imported from ${title}.`,
    ...placeholders.map(({ key, why }) => `To do, ${key}: ${why}`),
    ...(left.length === 0 ? [] : ['Not carried over:']),
    ...left.map(({ key, why }) => `- ${key}: ${why}`),
  ];
  return `${lines.map((line) => `# ${line.replaceAll('\n', ' ')}`).join('\n')}\n${stringify(document, { lineWidth: 120 })}`;
}
