/**
 * What a model folder holds, by the headers of its files alone: nothing is loaded, and no Python is needed. All of it is
 * synchronous and runs in a thread of its own: a tokenizer of 30 MB would stop the service for half a second.
 */
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface Problem {
  readonly message: string;
  readonly fix: string;
}

type Json = Readonly<Record<string, unknown>>;

/** What Git leaves in place of a large file that it has not fetched. */
const POINTER = Buffer.from('version https://git-lfs.github.com/spec/');
/** Names of what says how weights and text are read. */
const SMALL = /.\.(json|jinja|model|tiktoken)$|^(vocab|merges)\.txt$/;
/** The limit of the safetensors library, in bytes. */
const LONGEST_HEADER = 100_000_000;

const INDEX = 'model.safetensors.index.json';
const FETCH = 'fetch the file again';

/** Small files of a folder that can change what its model says, by name. */
export function smallFiles(folder: string): string[] {
  return readdirSync(folder).filter((name) => SMALL.test(name) && isFile(join(folder, name)));
}

/** The files that weights are loaded from, in transformers' order of preference; the trainer has the same rule. */
export function weightFiles(folder: string): readonly string[] {
  const names = new Set(readdirSync(folder));
  const config = object(readJson(join(folder, 'config.json')));
  if (object(config?.['quantization_config']) !== null) return sorted([...names].filter(isSafetensors));
  for (const [whole, index] of [
    ['model.safetensors', INDEX],
    ['pytorch_model.bin', 'pytorch_model.bin.index.json'],
  ] as const) {
    if (names.has(whole)) return [whole];
    if (names.has(index)) return sorted(new Set(Object.values(weightMap(join(folder, index)))));
  }
  return [];
}

/** In the order of their bytes, as Python sorts. */
export function sorted(names: Iterable<string>): string[] {
  return [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** The first thing that is wrong with a folder that has a config.json; null where nothing is. */
export function inspectModel(folder: string): Problem | null {
  try {
    inspect(folder);
    return null;
  } catch (error) {
    if (error instanceof Wrong) return { message: error.message, fix: error.fix };
    throw error;
  }
}

class Wrong extends Error {
  readonly fix: string;

  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

function inspect(folder: string): void {
  refusePointers(folder, smallFiles(folder));
  const config = object(readJson(join(folder, 'config.json'))) ?? {};
  const files = weightFiles(folder);
  const has = (name: string) => isFile(join(folder, name));
  if (files.length === 0) {
    throw new Wrong(
      `${folder} has no weights`,
      `bring model.safetensors, or its shards with ${INDEX}; pytorch_model.bin is read as well`,
    );
  }
  const absent = files.filter((name) => !has(name));
  if (absent.length > 0) {
    throw new Wrong(`${folder} lacks ${listed(absent)}, which its index of weights names`, 'fetch the shards');
  }
  refusePointers(folder, files);
  const shapes = new Map(files.flatMap((name) => [...readTensors(join(folder, name))]));
  if (files.every(isSafetensors)) checkTensors(folder, config, shapes, has(INDEX) && !has('model.safetensors'));
  if (has('adapter_config.json')) {
    throw new Wrong(
      `${folder} holds a model and an adapter (adapter_config.json), which would be put onto it unasked`,
      'merge the two, or move the adapter into a folder of its own',
    );
  }
  checkTokenizer(folder, embeddingRows(shapes)[0] ?? vocabularyOf(config));
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function refusePointers(folder: string, names: readonly string[]): void {
  const pointers = names.filter((name) => isPointer(join(folder, name)));
  if (pointers.length === 0) return;
  const what =
    pointers.length === 1 ? 'is a Git LFS pointer, not the file itself' : 'are Git LFS pointers, not the files';
  throw new Wrong(`${listed(pointers)} of ${folder} ${what}`, 'run `git lfs pull` in its repository');
}

export function isPointer(path: string): boolean {
  return readStart(path, POINTER.length).equals(POINTER);
}

function readStart(path: string, length: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(file, buffer, 0, length, 0));
  } finally {
    closeSync(file);
  }
}

/** Shapes by tensor; none for a pickle. The file's size has to be the one that its header describes. */
function readTensors(path: string): ReadonlyMap<string, readonly number[]> {
  const { size } = statSync(path);
  if (size === 0) throw new Wrong(`${path} is empty`, FETCH);
  if (!isSafetensors(path)) return new Map();
  const start = readStart(path, 8);
  const length = start.length === 8 ? Number(start.readBigUInt64LE()) : LONGEST_HEADER + 1;
  const header = length <= Math.min(LONGEST_HEADER, size) ? parsed(readStart(path, 8 + length).subarray(8)) : null;
  const shapes = new Map<string, readonly number[]>();
  let end = header === null ? Number.NaN : 0;
  for (const [name, entry] of Object.entries(header ?? {})) {
    if (name === '__metadata__') continue;
    const { shape, data_offsets: offsets } = object(entry) ?? {};
    end = Math.max(end, Array.isArray(offsets) ? Number(offsets[1]) : Number.NaN);
    shapes.set(name, Array.isArray(shape) ? shape.map(Number) : []);
  }
  if (Number.isNaN(end)) {
    throw new Wrong(`${path} is not a safetensors file, or is cut off within its header`, FETCH);
  }
  const needed = 8 + length + end;
  if (size !== needed) throw new Wrong(`${path} has ${size} bytes, and its header describes ${needed}`, FETCH);
  return shapes;
}

function checkTensors(
  folder: string,
  config: Json,
  shapes: ReadonlyMap<string, readonly number[]>,
  isSharded: boolean,
): void {
  const absent = isSharded ? Object.keys(weightMap(join(folder, INDEX))).filter((name) => !shapes.has(name)) : [];
  if (absent.length > 0) {
    throw new Wrong(
      `the weights in ${folder} are not whole: ${absent.length} tensors missing (${listed(absent)})`,
      'fetch the shards and their index again, all of one revision',
    );
  }
  checkDepth(folder, config, shapes.keys());
  const rows = embeddingRows(shapes);
  const vocabulary = vocabularyOf(config);
  if (rows.length > 0 && vocabulary !== null && !rows.includes(vocabulary)) {
    throw new Wrong(
      `config.json of ${folder} says vocab_size ${vocabulary}, and the embedding in its files has ${rows[0]} rows`,
      'correct config.json, or bring the files that belong to it',
    );
  }
}

/** Lists of decoder layers, by what comes before the number; encoders and towers of other senses are not meant. */
const LAYER =
  /^((?:model\.|language_model\.|text_model\.|transformer\.|decoder\.|gpt_neox\.|backbone\.)*(?:layers|h|blocks))\.(\d+)\./;
const DEPTHS = ['num_hidden_layers', 'n_layer', 'n_layers', 'num_layers', 'num_transformer_layers'];

function checkDepth(folder: string, config: Json, names: Iterable<string>): void {
  const text = object(config['text_config']) ?? {};
  const said = [config, text].flatMap((part) => DEPTHS.flatMap((key) => count(part[key]) ?? []));
  const found = new Set<number>();
  for (const name of names) {
    const index = LAYER.exec(name)?.[2];
    if (index !== undefined) found.add(Number(index));
  }
  const [depth] = said;
  if (depth === undefined || found.size === 0 || said.includes(found.size)) return;
  // Layers that predict further tokens are numbered on, and left alone by transformers.
  const further = count(config['num_nextn_predict_layers'] ?? text['num_nextn_predict_layers']) ?? 0;
  const missing = Array.from({ length: depth }, (_, index) => index).filter((index) => !found.has(index));
  if (missing.length === 0 && found.size <= depth + further) return;
  const which = missing.length > 0 ? ` (missing: ${listed(missing.map(String))})` : '';
  throw new Wrong(
    `config.json of ${folder} says ${depth} decoder layers, and its files hold ${found.size}${which}`,
    'correct config.json, or bring the files that belong to it; to train fewer layers, use matrix.layers',
  );
}

const EMBEDDING = /(?:^|\.)(?:embed_tokens|wte|word_embeddings|embed_in|tok_embeddings)\.weight$/;

function embeddingRows(shapes: ReadonlyMap<string, readonly number[]>): number[] {
  return [...shapes].flatMap(([name, [rows]]) =>
    EMBEDDING.test(name) && !/vision|visual|audio|encoder/.test(name) && rows !== undefined ? [rows] : [],
  );
}

function vocabularyOf(config: Json): number | null {
  return count(config['vocab_size']) ?? count(object(config['text_config'])?.['vocab_size']);
}

function checkTokenizer(folder: string, rows: number | null): void {
  const names = new Set(readdirSync(folder));
  const alone = ['tokenizer.json', 'vocab.txt', 'tekken.json'].some((name) => names.has(name));
  const pair = names.has('vocab.json') && names.has('merges.txt');
  if (!alone && !pair && ![...names].some((name) => /\.(model|tiktoken)$/.test(name))) {
    throw new Wrong(
      `${folder} has no tokenizer`,
      'bring its tokenizer.json, or tokenizer.model, or vocab.json and merges.txt',
    );
  }
  const tokens = names.has('tokenizer.json')
    ? tokenizerTokens(object(readJson(join(folder, 'tokenizer.json'))) ?? {})
    : names.has('vocab.json')
      ? new Map(Object.entries(object(readJson(join(folder, 'vocab.json'))) ?? {}))
      : new Map<string, unknown>();
  const lost = [...tokens].flatMap(([token, id]) =>
    rows !== null && typeof id === 'number' && id >= rows ? token : [],
  );
  if (lost.length === 0) return;
  throw new Wrong(
    `the tokenizer in ${folder} has ${tokens.size} entries, and the model's embedding ${rows} rows: none for ${listed(lost.map((token) => `'${token}'`))}`,
    "resize the embedding, or bring the model's own tokenizer",
  );
}

/** Ids by token. Special ones that were added are left out: Gemma 3's small models have one that no row belongs to. */
function tokenizerTokens(tokenizer: Json): Map<string, unknown> {
  const vocabulary = object(tokenizer['model'])?.['vocab'];
  // Unigram models list pairs of token and score; the place is the id.
  const entries = Array.isArray(vocabulary)
    ? vocabulary.map((pair, id): [string, unknown] => [Array.isArray(pair) ? String(pair[0]) : '', id])
    : Object.entries(object(vocabulary) ?? {});
  const tokens = new Map<string, unknown>(entries);
  const added = tokenizer['added_tokens'];
  for (const one of Array.isArray(added) ? added : []) {
    const { content, id, special } = object(one) ?? {};
    if (special !== true) tokens.set(String(content), id);
  }
  return tokens;
}

function weightMap(path: string): Readonly<Record<string, string>> {
  const index = object(readJson(path));
  const map = object(index?.['weight_map']);
  if (
    map === null ||
    object(index?.['metadata']) === null ||
    Object.values(map).some((file) => typeof file !== 'string')
  ) {
    throw new Wrong(`${path} is no index of weights: it needs weight_map and metadata`, FETCH);
  }
  return map as Readonly<Record<string, string>>;
}

function readJson(path: string): unknown {
  const value = parsed(readFileSync(path));
  if (value === null) throw new Wrong(`${path} is not JSON`, FETCH);
  return value;
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}

function object(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null;
}

function isSafetensors(name: string): boolean {
  return name.endsWith('.safetensors');
}

const MOST_LISTED = 3;

/** The first few, and how many there are. */
function listed(names: readonly string[]): string {
  const few = names.slice(0, MOST_LISTED).join(', ');
  return names.length <= MOST_LISTED ? few : `${few} and ${names.length - MOST_LISTED} more`;
}
