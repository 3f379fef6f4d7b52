/** A dataset that is to be generated: the files that it names are found, looked at and brought to where pods see them. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { GeneratedDataset, PromptFile } from '@lamina/domain/spec/generated.ts';
import type { Issue } from '@lamina/domain/spec/parse.ts';
import type { Mount } from '../ports/runner-facts.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { InputCopy, InputFiles } from './input-files.ts';
import { missingFile, type Places } from './paths.ts';

/** Prompts that are looked at; the trainer looks at all of them. */
const LOOKED_AT = 20;

interface Context {
  readonly places: Places;
  readonly fingerprints: Fingerprints;
  readonly inputFiles: InputFiles;
}

export interface ResolvedGeneration {
  readonly dataset: GeneratedDataset;
  readonly issues: readonly Issue[];
  readonly warnings: readonly string[];
  readonly copies: readonly InputCopy[];
  /** Null for topics, and for a file that is not on this machine. */
  readonly promptFile: PromptFile | null;
}

export async function resolveGenerated(dataset: GeneratedDataset, context: Context): Promise<ResolvedGeneration> {
  const { prompts, endpoint, contamination } = dataset;
  const found = prompts.source === 'topics' ? null : await fileAt(prompts, 'dataset.prompts.path', context);
  const looked =
    prompts.source === 'topics' || found?.here == null ? null : await lookAt(found.here, fieldsOf(prompts.template));
  const model =
    endpoint.gguf === null
      ? null
      : await fileAt({ path: endpoint.gguf, fingerprint: endpoint.ggufFingerprint }, 'dataset.endpoint.gguf', context);
  const files = await Promise.all(
    contamination.files.map((file, index) => fileAt(file, `dataset.contamination.files[${index}].path`, context)),
  );
  const all = [found, model, ...files].filter((each) => each !== null);
  return {
    dataset: {
      ...dataset,
      prompts: prompts.source === 'topics' || found === null ? prompts : { ...prompts, ...found.file },
      endpoint:
        endpoint.gguf === null || model === null
          ? endpoint
          : { ...endpoint, gguf: model.file.path, ggufFingerprint: model.file.fingerprint },
      contamination: {
        ...contamination,
        files: contamination.files.map((file, index) => ({ ...file, ...files[index]?.file })),
      },
    },
    issues: [...all.flatMap(({ issues }) => issues), ...(looked?.issues ?? [])],
    warnings: all.flatMap(({ warnings }) => warnings),
    copies: all.flatMap(({ copy }) => copy ?? []),
    promptFile: looked?.file ?? null,
  };
}

/** A key has to be where the trainer runs: a variable of this machine, or a Secret of the cluster. */
export function keyIssue(
  { endpoint }: Pick<GeneratedDataset, 'endpoint'>,
  mounts: readonly Mount[] | null,
): Issue | null {
  if (mounts === null && endpoint.apiKeySecret !== null)
    return {
      path: 'dataset.endpoint.apiKeySecret',
      message: 'names a Secret, and trials run on this machine, not in a cluster',
      fix: 'name the variable that holds the key in apiKeyVariable',
    };
  if (mounts !== null && endpoint.apiKeyVariable !== null)
    return {
      path: 'dataset.endpoint.apiKeyVariable',
      message: 'names a variable of this machine, and trials run in a cluster',
      fix: 'name a Secret in apiKeySecret, as {name: …, key: …}',
    };
  return null;
}

interface Found {
  readonly file: { readonly path: string; readonly fingerprint: string | null };
  /** Where it is on this machine; null where it is not. */
  readonly here: string | null;
  readonly copy: InputCopy | null;
  readonly issues: readonly Issue[];
  readonly warnings: readonly string[];
}

async function fileAt(
  file: { readonly path: string; readonly fingerprint: string | null },
  at: string,
  { places, fingerprints, inputFiles }: Context,
): Promise<Found> {
  const path = places.absolute(file.path);
  const nothing = { file: { ...file, path }, here: null, copy: null, issues: [], warnings: [] };
  const missing = await missingFile(path, 'file');
  if (missing !== null && inputFiles.seen(path))
    return {
      ...nothing,
      warnings: [`${path} is not on the server: it is not looked at, and a changed file is not noticed`],
    };
  if (missing !== null) return { ...nothing, issues: [{ path: at, ...missing }] };
  const fingerprint = await fingerprints.file(path);
  const changed: Issue[] =
    file.fingerprint === null || file.fingerprint === fingerprint
      ? []
      : [{ path: at, message: `${path} is not the file that the fingerprint was taken of`, fix: 'leave it out' }];
  const located = await inputFiles.locate(path, { sha256: fingerprint });
  if ('problem' in located) return { ...nothing, issues: [...changed, { path: at, ...located.problem }] };
  const resolved = { path: located.path, fingerprint };
  return { file: resolved, here: path, copy: located.copy, issues: changed, warnings: [] };
}

/** Counts the records, and looks for the template's fields in the first. */
async function lookAt(path: string, fields: readonly string[]): Promise<{ file: PromptFile; issues: Issue[] }> {
  const issues: Issue[] = [];
  const { size } = await stat(path);
  let records = 0;
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    if (line.trim() === '') continue;
    records += 1;
    if (records <= LOOKED_AT && issues.length === 0) issues.push(...problemOf(line, number, path, fields));
  }
  if (records === 0) issues.push({ path: 'dataset.prompts.path', message: `${path} has no records` });
  return { file: { records, bytes: size }, issues };
}

function problemOf(line: string, number: number, path: string, fields: readonly string[]): Issue[] {
  const record = parsed(line);
  if (record === null) {
    const fix = 'write one JSON object a line, e.g. {"prompt": "…"}';
    return [{ path: 'dataset.prompts.path', message: `line ${number} of ${path} is not a JSON object`, fix }];
  }
  const missing = fields.find((field) => !(field in record));
  if (missing === undefined) return [];
  const message = `line ${number} of ${path} has no field '${missing}'; it has: ${Object.keys(record).join(', ') || 'none'}`;
  return [{ path: 'dataset.prompts.template', message, fix: 'name fields of the records in braces' }];
}

function fieldsOf(template: string): readonly string[] {
  return [...template.replaceAll(/\{\{|\}\}/g, '').matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name);
}

function parsed(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
