/** Reads an experiment document and changes values in it before it is sent. */
import { dirname, resolve } from 'node:path';
import { parse, parseDocument } from 'yaml';
import { CliError, usageError } from './errors.ts';
import { EXIT_CODES } from './exit-codes.ts';
import type { Io } from './io.ts';

export interface DocumentFile {
  readonly document: string;
  /** Folder that relative paths in the document start from. */
  readonly baseDirectory: string;
}

export async function readDocument(io: Io, file: string, changes: readonly string[]): Promise<DocumentFile> {
  const path = file === '-' ? '-' : resolve(io.cwd, file);
  let text: string;
  try {
    text = await io.read(path);
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw missing
      ? new CliError(`there is no file ${file}`, EXIT_CODES.notFound)
      : usageError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return {
    document: changes.length === 0 ? text : changed(text, file, changes),
    baseDirectory: file === '-' ? io.cwd : dirname(path),
  };
}

/** A document without changes is sent as it is: the server explains every mistake in it, also those of YAML. */
function changed(text: string, file: string, changes: readonly string[]): string {
  const document = parseDocument(text);
  const [mistake] = document.errors;
  if (mistake !== undefined) throw usageError(`${file} is not YAML: ${mistake.message.split('\n')[0]}`);
  for (const change of changes) {
    const { path, value } = assignment(change);
    document.setIn(path, document.createNode(value));
  }
  return document.toString();
}

/** "training.steps=20": the value is YAML, so lists and numbers work. Below `matrix` the rest is one key: axes have dots. */
export function assignment(change: string): { path: string[]; value: unknown } {
  const equals = change.indexOf('=');
  if (equals < 1)
    throw usageError(`--set ${change} has no value`, 'write --set path=value, e.g. --set training.steps=20');
  const [first = '', ...rest] = change.slice(0, equals).split('.');
  const path = first === 'matrix' && rest.length > 0 ? [first, rest.join('.')] : [first, ...rest];
  return { path, value: yamlValue(change.slice(equals + 1), `--set ${change}`) };
}

/** "seed=4,5" or "seed=[4, 5]": values of an axis. */
export function axisValues(text: string): readonly [axis: string, values: readonly unknown[]] {
  const equals = text.indexOf('=');
  if (equals < 1) throw usageError(`--axis ${text} has no values`, 'write --axis name=values, e.g. --axis seed=4,5');
  const value = text.slice(equals + 1);
  const list = yamlValue(/^\s*[[{]/.test(value) ? value : `[${value}]`, `--axis ${text}`);
  return [text.slice(0, equals), Array.isArray(list) ? list : [list]];
}

/** "3,4" as whole numbers. */
export function seedList(text: string): number[] {
  const seeds = text.split(',').map((seed) => Number(seed.trim() || Number.NaN));
  if (seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0)) return seeds;
  throw usageError(`--seeds ${text} is not a list of whole numbers`, 'write --seeds 3,4');
}

function yamlValue(text: string, option: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw usageError(`${option} is not YAML: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
  }
}
