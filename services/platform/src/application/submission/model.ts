import { join } from 'node:path';
import type { ModelRef } from '@lamina/domain/contract/settings.ts';
import type { ModelShape } from '@lamina/domain/memory/shape.ts';
import type { Issue } from '@lamina/domain/spec/parse.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { InputCopy, InputFiles } from './input-files.ts';
import { cachedConfig, checkpointOf, depthOf, readConfig, shapeOf } from './model-config.ts';
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
}

/** Finds a model, fills in its path and fingerprint, and reads how deep it is. `at` is its place in the document. */
export async function resolveModel(model: ModelRef, at: string, context: ModelContext): Promise<ResolvedModel> {
  if (model.source === 'hf') return hubModel(model, context.hubCache);
  const path = context.places.absolute(model.path);
  const missing = await missingFile(path, model.source === 'gguf' ? 'file' : 'folder');
  if (missing !== null && context.inputFiles.seen(path)) return onlyThere({ ...model, path });
  if (missing !== null) return failed(model, { path: `${at}.path`, ...missing });
  const found = model.source === 'gguf' ? await ggufModel(path, context) : await folderModel(path, context);
  if ('message' in found) return failed(model, { path: `${at}.path`, ...found });
  if (model.fingerprint !== null && model.fingerprint !== found.fingerprint) {
    return failed(model, {
      path: `${at}.fingerprint`,
      message: `${path} is not the model that the fingerprint was taken of`,
      fix: 'bring the old files back, or leave the fingerprint out and submit a new experiment',
    });
  }
  const located = await context.inputFiles.locate(path, { sha256: model.source === 'gguf' ? found.fingerprint : null });
  if ('problem' in located) return failed(model, { path: `${at}.path`, ...located.problem });
  return {
    model: { ...model, path: located.path, fingerprint: found.fingerprint },
    copy: located.copy,
    layers: found.layers,
    shape: found.shape ?? null,
    checkpoint: found.checkpoint,
    issues: [],
    warnings: found.layers === null ? [`${path} does not say how many layers it has; depths are not checked`] : [],
  };
}

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
      readonly fingerprint: string;
      readonly layers: number | null;
      readonly shape?: ModelShape | null;
      readonly checkpoint: string | null;
    }
  | Omit<Issue, 'path'>;

async function folderModel(path: string, { fingerprints }: ModelContext): Promise<Found> {
  const config = await readConfig(join(path, 'config.json'));
  if (config === 'missing') {
    return { message: `${path} has no config.json`, fix: 'name the folder that holds config.json and the weights' };
  }
  if (config === 'broken') return { message: `config.json of ${path} cannot be read` };
  return {
    fingerprint: await fingerprints.modelFolder(path),
    layers: depthOf(config),
    shape: shapeOf(config),
    checkpoint: checkpointOf(config),
  };
}

async function ggufModel(path: string, { fingerprints, shapes }: ModelContext): Promise<Found> {
  const fingerprint = await fingerprints.file(path);
  try {
    // Its weights are made plain ones before anything is trained.
    return { fingerprint, ...(await shapes.header(path, fingerprint)), checkpoint: null };
  } catch (error) {
    return {
      message: `${path} is not a readable GGUF file: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

async function hubModel(model: Extract<ModelRef, { source: 'hf' }>, cache: string | null): Promise<ResolvedModel> {
  const config = cache === null ? 'missing' : await cachedConfig(model, cache);
  const layers = typeof config === 'string' ? null : depthOf(config);
  const warning = `${model.id} is not in the server's cache: its depth is not checked, and it is fetched when a trial runs`;
  const shape = typeof config === 'string' ? null : shapeOf(config);
  const known = typeof config === 'string' ? {} : { checkpoint: checkpointOf(config) };
  return { model, layers, shape, ...known, issues: [], warnings: layers === null ? [warning] : [] };
}
