/** Estimates for every cell of an experiment document. */
import type { EstimatedCell, EstimateView, MemoryView } from '../contract/estimate.ts';
import type { ModelRef, TrialSettings } from '../contract/settings.ts';
import { choosePlan } from '../memory/choose.ts';
import { COMMON_CLASSES, classesNamed, type GpuClass } from '../memory/classes.ts';
import { estimateMemory, isTraced, type MemoryModel, MOMENTS, predictedPeak } from '../memory/estimate.ts';
import { gpuCounts, memorySettings, type Trainer } from '../memory/from-settings.ts';
import { ASSUMED_MARGINS, type LearnedMargins } from '../memory/learned.ts';
import { kindOf } from '../memory/overhead.ts';
import { countParameters, targetsProblem } from '../memory/parameters.ts';
import type { MemorySettings } from '../memory/settings.ts';
import { probabilityOfFitting } from '../memory/spread.ts';
import { tracedParameters, traceKey, traceSettings } from '../memory/traced.ts';
import { trainable } from '../memory/weights.ts';
import type { ExperimentDocument } from '../spec/document.ts';
import { type Issue, parseDocument } from '../spec/parse.ts';
import { references } from '../spec/references.ts';
import { readText } from '../spec/text.ts';
import { canonical } from '../vocabulary/canonical.ts';
import { expandMatrix } from './expand.ts';

export type EstimateDocument =
  | {
      readonly ok: true;
      readonly document: ExperimentDocument;
      readonly warnings: readonly Issue[];
      /** Paths that were given as `source: config`. */
      readonly configs: readonly string[];
    }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** What an estimate does not need; long sequences need no thought about how many held-out tokens are scored. */
function filledIn({ training }: Readonly<Record<string, unknown>>) {
  const longest = isRecord(training) ? Number(training['maxLength']) : 0;
  const evaluation = longest > 16_384 ? { evaluation: { maxTokens: longest } } : {};
  return { apiVersion: 'lamina/v1', name: 'estimate', dataset: 'none.txt', ...evaluation };
}

/** Parses a document that is only to be estimated: a model's config.json is enough, name and dataset may be missing. */
export function parseEstimateDocument(input: string | object): EstimateDocument {
  const read = typeof input === 'string' ? readText(input) : { value: input };
  if ('issues' in read) return { ok: false, issues: read.issues };
  const configs: string[] = [];
  const value = isRecord(read.value)
    ? { ...filledIn(read.value), ...(asPaths(read.value, configs) as object) }
    : read.value;
  const parsed = parseDocument(value as object);
  return parsed.ok ? { ...parsed, configs } : parsed;
}

/** Every `{source: config, path}` as the folder or file that it names. */
function asPaths(value: unknown, configs: string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => asPaths(item, configs));
  if (!isRecord(value)) return value;
  if (value['source'] === 'config' && typeof value['path'] === 'string') {
    configs.push(value['path']);
    const { source: _, ...rest } = value;
    return { ...rest, source: 'path' };
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asPaths(item, configs)]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export type { Trainer } from '../memory/from-settings.ts';

/** Every model that the document names, once. */
export function modelsOf(document: ExperimentDocument): readonly ModelRef[] {
  return references(document).models;
}

/** What is known of a model: its shape, or why there is none. */
export type KnownShape =
  | { readonly shape: MemoryModel; readonly trainer: Trainer }
  | { readonly shape: null; readonly message: string };

/** A run that has to be traced, because its model has no formulas. */
export interface WantedTrace {
  readonly model: ModelRef;
  readonly settings: MemorySettings;
}

/** What must be traced before the cells of a document can be estimated; `layersOf` answers for models without formulas. */
export function wantedTraces(
  document: ExperimentDocument,
  layersOf: (model: ModelRef) => number | null,
): readonly WantedTrace[] {
  const context = { trainerRevision: '', device: null, layersOf, gpus: null };
  const found = new Map<string, WantedTrace>();
  for (const { settings } of expandMatrix(document, context).trials) {
    const layers = layersOf(settings.model);
    if (layers === null) continue;
    const untraced = { layers, fused: true, profiles: new Map() };
    const given = memorySettings(settings, untraced, document.estimate, 'lamina');
    for (const each of traceSettings(given)) {
      const key = `${canonical(settings.model)} ${traceKey(each)}`;
      if (!found.has(key)) found.set(key, { model: settings.model, settings: each });
    }
  }
  return [...found.values()];
}

export interface EstimateContext {
  readonly shapeOf: (model: ModelRef) => KnownShape;
  /** GPUs to choose from where the document names none. */
  readonly classes?: readonly GpuClass[];
  readonly marginsOf?: (gpuClass: string) => LearnedMargins;
}

export function estimateDocument(document: ExperimentDocument, context: EstimateContext): EstimateView {
  const expansion = expandMatrix(document, {
    trainerRevision: '',
    device: null,
    layersOf: (model) => context.shapeOf(model).shape?.layers ?? null,
    gpus: null,
  });
  const settings = new Map(expansion.trials.map(({ cell, settings: found }) => [cell.id, found]));
  return {
    name: document.name,
    cells: expansion.cells.flatMap((cell): EstimatedCell[] => {
      const found = settings.get(cell.id);
      if (found === undefined) return [];
      const { memory, message } = estimateTrial(found, document, context);
      return [{ ...cell, parameters: { ...cell.parameters }, memory, message }];
    }),
    dropped: expansion.dropped.map((cell) => ({ ...cell })),
  };
}

/** The estimate of one cell; null with the reason where the model's configuration is not known. */
export function estimateTrial(
  settings: TrialSettings,
  document: ExperimentDocument,
  { shapeOf, classes = COMMON_CLASSES, marginsOf = () => ASSUMED_MARGINS }: EstimateContext,
): { readonly memory: MemoryView | null; readonly message: string | null } {
  const known = shapeOf(settings.model);
  if (known.shape === null) return { memory: null, message: known.message };
  const { shape } = known;
  const problem = settings.lora === null || isTraced(shape) ? null : targetsProblem(shape, settings.lora.targets);
  if (problem !== null) return { memory: null, message: `lora.targets ${problem}` };
  const { estimate: assumptions, resources, policy } = document;
  // What is traced is Lamina's own trainer.
  const trainer = isTraced(shape) ? 'lamina' : (assumptions.trainer ?? known.trainer);
  const given = memorySettings(settings, shape, assumptions, trainer);
  const counted = parametersOf(shape, given);
  if (counted === null) return { memory: null, message: 'its step could not be traced in time: ask again' };
  const estimate = estimateMemory(shape, given);
  // As one GPU would do it: several may be fewer steps of accumulation.
  const gpus = Math.max(1, settings.gpus);
  const asked = { ...given, accumulation: given.accumulation * gpus, shards: 1 };
  const offered = offeredClasses(assumptions.gpus?.map(sized) ?? classes, settings.gpuClass);
  const chosen = choosePlan(shape, asked, offered.classes, {
    marginsOf: ({ name }) => marginsOf(name).margins,
    risk: policy.memoryRisk,
    divides: given.method === 'full' || trainer !== 'lamina',
    counts: resources.gpus ? [gpus] : trainer === 'lamina' ? gpuCounts(settings) : undefined,
  });
  const memory: MemoryView = {
    parameters: counted.parameters,
    trainableParameters: counted.trainable,
    moment: MOMENTS[estimate.moment],
    terms: estimate.terms.map((term) => ({ ...term })),
    peak: estimate.peak,
    steady: estimate.steady,
    assumptions: {
      trainer,
      microBatch: given.microBatch,
      longestTokens: given.longest,
      attention: given.attention,
      attentionMask: given.attentionMask,
      logits: given.logits,
      computeDtype: given.computeDtype,
      optimizer: given.optimizer,
      gpus,
    },
    plan: chosen.fits
      ? {
          gpuClass: chosen.plan.gpuClass.name,
          gpuMemoryBytes: chosen.plan.gpuClass.memoryBytes,
          gpus: chosen.plan.gpus,
          microBatch: chosen.plan.microBatch,
          accumulation: chosen.plan.accumulation,
          checkpointing: chosen.plan.checkpointing,
          peakProcessBytes: chosen.plan.estimate.peak.processBytes,
          marginsFrom: marginsOf(chosen.plan.gpuClass.name).trials,
          free: chosen.plan.free,
          probability: chosen.plan.probability,
        }
      : null,
    doesNotFit: chosen.fits ? null : chosen.message,
    classes: offered.classes.map(({ name, memoryBytes }) => ({
      gpuClass: name,
      gpuMemoryBytes: memoryBytes,
      probability: probabilityOfFitting(predictedPeak(estimate), memoryBytes, marginsOf(name).margins[kindOf(given)]),
    })),
    notes: [
      ...(!isTraced(shape) && shape.tower > 0
        ? ['the vision tower is loaded and not trained on text: its weights are counted']
        : []),
      ...offered.notes,
      ...(assumptions.trainer === null && trainer === 'transformers' ? [otherTrainer(settings, document, shape)] : []),
    ],
  };
  return { memory, message: null };
}

/** Null where the settings, or checkpointing, were not traced. */
function parametersOf(model: MemoryModel, settings: MemorySettings) {
  if (isTraced(model))
    return traceSettings(settings).every((each) => tracedParameters(model, each) !== null)
      ? tracedParameters(model, settings)
      : null;
  const { total } = countParameters(model, settings.layers);
  return { parameters: total + model.tower, trainable: trainable(model, settings).parameters };
}

/** A bare config.json is taken for transformers' models; what Lamina's own trainer needs is said next to it. */
function otherTrainer(settings: TrialSettings, { estimate }: ExperimentDocument, shape: MemoryModel): string {
  const own = estimateMemory(shape, memorySettings(settings, shape, estimate, 'lamina')).peak.processBytes;
  const needs = `${(own / 2 ** 30).toFixed(1)} GiB`;
  return `as transformers with PEFT trains it, since the model is a bare config.json; Lamina’s own trainer needs ${needs} (estimate.trainer: lamina)`;
}

/** Those that `resources.gpuClass` names, where they are known. */
function offeredClasses(classes: readonly GpuClass[], wanted: string | null) {
  if (wanted === null) return { classes, notes: [] };
  const named = classesNamed(classes, wanted);
  if (named.length > 0) return { classes: named, notes: [] };
  const names = classes.map(({ name }) => name).join(', ');
  const note = `resources.gpuClass ${wanted} is none of ${names}: all of them are tried; give its memory as estimate.gpus`;
  return { classes, notes: [note] };
}

function sized(memoryBytes: number): GpuClass {
  return { name: `${(memoryBytes / 2 ** 30).toFixed(1)} GiB`, memoryBytes, perNode: 8 };
}
