import type { ModelRef } from '@lamina/domain/contract/settings.ts';
import type { ModelShape } from '@lamina/domain/memory/shape.ts';
import type { ExperimentDocument } from '@lamina/domain/spec/document.ts';
import type { DocumentDataset, PromptFile } from '@lamina/domain/spec/generated.ts';
import type { Issue } from '@lamina/domain/spec/parse.ts';
import { references, withReferences } from '@lamina/domain/spec/references.ts';
import { datasetInput, modelInput } from '@lamina/domain/spec/references-input.ts';
import { readText } from '@lamina/domain/spec/text.ts';
import { canonical } from '@lamina/domain/vocabulary/canonical.ts';
import { templateIssues } from './chat-template.ts';
import { resolveDataset } from './dataset.ts';
import type { Fingerprints } from './fingerprints.ts';
import { type ResolvedGeneration, resolveGenerated } from './generated-dataset.ts';
import type { InputCopy, InputFiles } from './input-files.ts';
import { type ModelContext, resolveModel } from './model.ts';
import { placesFrom } from './paths.ts';
import type { Shapes } from './shapes.ts';
import { resolveTasks } from './tasks.ts';

export interface ReferenceOptions {
  readonly baseDirectory: string;
  readonly hubCache: string | null;
  readonly inputFiles: InputFiles;
  readonly fingerprints: Fingerprints;
  readonly shapes: Shapes;
  /** How long to wait until the content of models is read; absent: until it is. */
  readonly patienceMs?: number;
}

export interface ResolvedDocument {
  readonly document: ExperimentDocument;
  readonly layersOf: (model: ModelRef) => number | null;
  readonly shapeOf: (model: ModelRef) => ModelShape | null;
  /** How a model is quantized on disk: null where it is not, undefined where that is not known. */
  readonly checkpointOf: (model: ModelRef) => string | null | undefined;
  readonly issues: readonly Issue[];
  readonly warnings: readonly string[];
  /** Files that trials would not see otherwise. */
  readonly copies: readonly InputCopy[];
  /** What is known of the prompts that a dataset is to be generated from. */
  readonly promptFile: PromptFile | null;
}

/** Finds everything the document refers to: absolute paths, fingerprints, depths. All issues at once. */
export async function resolveReferences(
  document: ExperimentDocument,
  options: ReferenceOptions,
): Promise<ResolvedDocument> {
  const named = references(document);
  const context = contextOf(options);
  const dataset = await datasetAt(named.dataset, context);
  const models = await Promise.all(named.models.map((model) => resolveModel(model, placeOf(document, model), context)));
  const templates = await templateIssues(dataset.dataset, named.models, context.places);
  const found = await resolveTasks(document.evaluation.tasks, context);
  const evaluation = { ...document.evaluation, tasks: found.tasks };
  const byModel = new Map(named.models.map((model, index) => [model, models[index]?.model ?? model]));
  const layers = new Map(models.map((found) => [canonical(found.model), found.layers]));
  const checkpoints = new Map(models.map((found) => [canonical(found.model), found.checkpoint]));
  const shapes = new Map(models.map((found) => [canonical(found.model), found.shape]));
  return {
    document: withReferences({ ...document, evaluation }, { models: byModel, dataset: dataset.dataset }),
    layersOf: (model) => layers.get(canonical(model)) ?? null,
    shapeOf: (model) => shapes.get(canonical(model)) ?? null,
    checkpointOf: (model) => checkpoints.get(canonical(model)),
    issues: [...models.flatMap((found) => found.issues), ...dataset.issues, ...templates, ...found.issues],
    warnings: [...models.flatMap((found) => found.warnings), ...dataset.warnings],
    copies: [...dataset.copies, ...found.copies, ...models.flatMap(({ copy }) => copy ?? [])],
    promptFile: dataset.promptFile,
  };
}

/**
 * The same of a document that has other mistakes: its model and dataset are looked for all the same, so that the
 * answer names every mistake at once.
 */
export async function issuesOfReferences(input: string | object, options: ReferenceOptions): Promise<readonly Issue[]> {
  const read = typeof input === 'string' ? readText(input) : { value: input };
  if ('issues' in read || typeof read.value !== 'object' || read.value === null) return [];
  const fields = read.value as Readonly<Record<string, unknown>>;
  const context = contextOf(options);
  const model = modelInput.safeParse(fields['model']);
  const dataset = datasetInput.safeParse(fields['dataset']);
  const found = await Promise.all([
    model.success ? resolveModel(model.data as ModelRef, 'model', context) : null,
    dataset.success ? datasetAt(dataset.data as DocumentDataset, context) : null,
  ]);
  return found.flatMap((resolved) => resolved?.issues ?? []);
}

async function datasetAt(
  dataset: DocumentDataset,
  context: ModelContext,
): Promise<Omit<ResolvedGeneration, 'dataset'> & { readonly dataset: DocumentDataset }> {
  if (dataset.source === 'generated') return resolveGenerated(dataset, context);
  return { ...(await resolveDataset(dataset, context)), promptFile: null };
}

function contextOf(options: ReferenceOptions): ModelContext {
  return { ...options, places: placesFrom(options.baseDirectory) };
}

function placeOf(document: ExperimentDocument, model: ModelRef): string {
  const wanted = canonical(model);
  if (document.model !== null && canonical(document.model) === wanted) return 'model';
  const index = (document.matrix.model ?? []).findIndex((listed) => canonical(listed) === wanted);
  if (index >= 0) return `matrix.model[${index}]`;
  const entry = document.matrix.include.findIndex((included) =>
    (included.model ?? []).some((listed) => canonical(listed) === wanted),
  );
  return entry >= 0 ? `matrix.include[${entry}].model` : 'baseline.model';
}
