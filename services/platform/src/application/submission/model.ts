import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelRef } from '@lamina/domain/contract/settings.ts';
import type { ModelShape } from '@lamina/domain/memory/shape.ts';
import type { Issue } from '@lamina/domain/spec/parse.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { InputCopy, InputFiles } from './input-files.ts';
import { cachedConfig, checkpointOf, depthOf, readConfig, shapeOf } from './model-config.ts';
import { isPointer } from './model-files.ts';
import { missingFile, type Places } from './paths.ts';
import type { Shapes } from './shapes.ts';

export interface ResolvedModel {
  readonly model: ModelRef;
  /** Decoder layers; null where that is not known before the model is loaded. */
  readonly layers: number | null;
  /** What its memory depends on; null where its configuration is not known, or of another family. */
  readonly shape: ModelShape | null;
  /** How its weights are quantized on disk: null where they are not; left out where that is not known. */
  readonly checkpoint?: string | null;
  readonly issues: readonly Issue[];
  readonly warnings: readonly string[];
  readonly copy?: InputCopy | null;
}

export interface ModelContext {
  readonly places: Places;
  readonly fingerprints: Fingerprints;
  readonly inputFiles: InputFiles;
  readonly hubCache: string | null;
  readonly shapes: Shapes;
  /** How long to wait until a model's content is read, for its fingerprint; absent: until it is. */
  readonly patienceMs?: number;
}

/** Finds a model, fills in its path and fingerprint, and reads how deep it is. `at` is its place in the document. */
export async function resolveModel(model: ModelRef, at: string, context: ModelContext): Promise<ResolvedModel> {
  if (model.source === 'hf') return hubModel(model, at, context);
  const path = context.places.absolute(model.path);
  const missing = await missingFile(path, model.source === 'gguf' ? 'file' : 'folder');
  if (missing !== null && context.inputFiles.seen(path)) return onlyThere({ ...model, path });
  if (missing !== null) return failed(model, { path: `${at}.path`, ...missing });
  const found =
    model.source === 'gguf' ? await ggufModel(path, context) : await folderModel(path, model.fingerprint, context);
  if ('message' in found) return failed(model, { path: `${at}.path`, ...found });
  if (model.fingerprint !== null && found.fingerprint !== null && model.fingerprint !== found.fingerprint) {
    return failed(model, {
      path: `${at}.fingerprint`,
      message: `${path} is not the model that the fingerprint was taken of`,
      fix: 'bring the old files back, or leave the fingerprint out and submit a new experiment',
    });
  }
  const located = await context.inputFiles.locate(path, { sha256: model.source === 'gguf' ? found.fingerprint : null });
  if ('problem' in located) return failed(model, { path: `${at}.path`, ...located.problem });
  const fingerprint = found.fingerprint ?? model.fingerprint;
  return {
    model: { ...model, path: located.path, fingerprint },
    copy: located.copy,
    layers: found.layers,
    shape: found.shape ?? null,
    checkpoint: found.checkpoint,
    issues: [],
    warnings: [
      ...(found.layers === null ? [`${path} does not say how many layers it has; depths are not checked`] : []),
      ...(found.fingerprint === null ? [`${path} ${STILL_READ}`] : []),
    ],
  };
}

const STILL_READ =
  'is still being read, to know what it holds: what is measured already is not counted here; ask again in a while';

/** Trials see it, the server does not. */
function onlyThere(model: ModelRef & { readonly path: string }): ResolvedModel {
  const warning = `${model.path} is not on the server: its depth is not checked, and changed files are not noticed`;
  return { model, layers: null, shape: null, issues: [], warnings: [warning] };
}

function failed(model: ModelRef, problem: Issue): ResolvedModel {
  return { model, layers: null, shape: null, issues: [problem], warnings: [] };
}

type Found =
  | {
      /** Null where there was no patience to wait for it. */
      readonly fingerprint: string | null;
      readonly layers: number | null;
      readonly shape?: ModelShape | null;
      readonly checkpoint: string | null;
    }
  | Omit<Issue, 'path'>;

async function folderModel(path: string, like: string | null, context: ModelContext): Promise<Found> {
  const { fingerprints } = context;
  const config = await readConfig(join(path, 'config.json'));
  if (config === 'missing') {
    return { message: `${path} has no config.json`, fix: 'name the folder that holds config.json and the weights' };
  }
  const problem = await fingerprints.problemOf(path).catch((error: Error) => {
    return { message: `${path} cannot be read: ${error.message}`, fix: 'give the server permission to read its files' };
  });
  if (problem !== null) return problem;
  if (config === 'broken') return { message: `config.json of ${path} cannot be read` };
  return {
    fingerprint: await inTime(fingerprints.modelFolder(path, like), context),
    layers: depthOf(config),
    shape: shapeOf(config),
    checkpoint: checkpointOf(config),
  };
}

async function ggufModel(path: string, context: ModelContext): Promise<Found> {
  if (isPointer(path)) {
    return {
      message: `${path} is a Git LFS pointer, not the file itself`,
      fix: 'run `git lfs pull` in its repository',
    };
  }
  try {
    // Its weights are made plain ones before anything is trained.
    const { layers, shape, problem } = await context.shapes.header(path);
    if (problem !== null) return { message: `${path} ${problem}`, fix: 'fetch the file again' };
    return { fingerprint: await inTime(context.fingerprints.file(path), context), layers, shape, checkpoint: null };
  } catch (error) {
    return {
      message: `${path} is not a readable GGUF file: ${error instanceof Error ? error.message : String(error)}`,
      fix: 'fetch the file again, or name one that llama.cpp reads',
    };
  }
}

/** Null where it takes longer than there is patience; the work goes on, and the next one to ask has its answer. */
async function inTime<T>(work: Promise<T>, { patienceMs }: ModelContext): Promise<T | null> {
  if (patienceMs === undefined) return work;
  const timer = new AbortController();
  const late = sleep(patienceMs, null, { signal: timer.signal }).catch(() => null);
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}

async function hubModel(
  model: Extract<ModelRef, { source: 'hf' }>,
  at: string,
  { hubCache: cache, places }: ModelContext,
): Promise<ResolvedModel> {
  const config = cache === null ? 'missing' : await cachedConfig(model, cache);
  const folder = places.absolute(model.id);
  if (config === 'missing' && (await missingFile(join(folder, 'config.json'), 'file')) === null) {
    return failed(model, {
      path: at,
      message: `${model.id} is read as a hub id, which is not in the server's cache, and ${folder} is a model folder`,
      fix: `write ./${model.id} for the folder, or {source: hf, id: …} with the id of another model`,
    });
  }
  const layers = typeof config === 'string' ? null : depthOf(config);
  const warning = `${model.id} is not in the server's cache: its depth is not checked, and it is fetched when a trial runs`;
  const shape = typeof config === 'string' ? null : shapeOf(config);
  const known = typeof config === 'string' ? {} : { checkpoint: checkpointOf(config) };
  return { model, layers, shape, ...known, issues: [], warnings: layers === null ? [warning] : [] };
}
