import type { MemoryView } from '@lamina/domain/contract/estimate.ts';
import type { GpuInventory } from '@lamina/domain/contract/gpus.ts';
import type { ModelRef, TrialSettings } from '@lamina/domain/contract/settings.ts';
import { estimateTrial, type KnownShape } from '@lamina/domain/matrix/estimate.ts';
import { expandMatrix } from '@lamina/domain/matrix/expand.ts';
import { gpuClassesFor, gpuClassIssue } from '@lamina/domain/matrix/placement.ts';
import { likeKey, parallelOn, runPolicy } from '@lamina/domain/matrix/plan.ts';
import { rememberedPlan } from '@lamina/domain/matrix/remembered.ts';
import type { Expansion } from '@lamina/domain/matrix/types.ts';
import type { MemoryModel } from '@lamina/domain/memory/estimate.ts';
import { targetsProblem } from '@lamina/domain/memory/parameters.ts';
import type { Plan, RunPolicy } from '@lamina/domain/run/types.ts';
import type { ExperimentDocument } from '@lamina/domain/spec/document.ts';
import { type Issue, parseDocument } from '@lamina/domain/spec/parse.ts';
import { references } from '@lamina/domain/spec/references.ts';
import { canonical } from '@lamina/domain/vocabulary/canonical.ts';
import type { ArtifactStore } from '../ports/artifacts.ts';
import type { RunnerFacts } from '../ports/runner-facts.ts';
import type { Tracer } from '../ports/tracer.ts';
import { keyIssue } from './generated-dataset.ts';
import { type GenerationOptions, generationSentence, type PlannedGeneration, planGeneration } from './generation.ts';
import { choiceFrom, type GpuOffers } from './gpu-offers.ts';
import { createInputFiles, type InputCopy } from './input-files.ts';
import { InvalidDocument } from './invalid-document.ts';
import { issuesOfReferences, type ReferenceOptions, type ResolvedDocument, resolveReferences } from './references.ts';
import { tracedModels } from './traced-models.ts';

export interface PrepareOptions extends Omit<ReferenceOptions, 'inputFiles'>, GenerationOptions {
  readonly artifacts: Pick<ArtifactStore, 'localPath'>;
  readonly gpus: GpuOffers;
  /** Traces models without formulas; null: they have no estimate. */
  readonly tracer: Tracer | null;
  /** @throws NoWorker before the first worker has said where trials run */
  runnerFacts(): Promise<RunnerFacts>;
  /** A worker has looked at the cluster and found no GPU that could be used now. */
  seesNoGpu(): Promise<boolean>;
}

const NO_GPU = 'no GPU is to be had in the cluster now: trials wait for one (with resources.gpus: 0 they run on CPUs)';

/** A submission that has no mistakes: all that storing and starting need. */
export interface Prepared {
  readonly document: ExperimentDocument;
  readonly expansion: Expansion;
  readonly policy: RunPolicy;
  /** By cell id. */
  readonly plans: Readonly<Record<string, Plan>>;
  /** By cell id; null where the model's configuration is not known, or trials do not run on a GPU. */
  readonly memory: (cellId: string) => MemoryView | null;
  readonly warnings: readonly string[];
  /** Files that must be in the artifact store before trials start. */
  readonly copies: readonly InputCopy[];
  /** Generation of the dataset, where a model writes it; the trials above then follow it. */
  readonly generation: PlannedGeneration | null;
}

/** @throws InvalidDocument with every mistake at once */
export async function prepare(input: string | object, options: PrepareOptions): Promise<Prepared> {
  const { trainerRevision, device, devices = 0, mounts } = await options.runnerFacts();
  const found = { ...options, inputFiles: createInputFiles(mounts, options.artifacts) };
  const parsed = parseDocument(input);
  if (!parsed.ok) throw new InvalidDocument([...parsed.issues, ...(await issuesOfReferences(input, found))]);
  const resolved = await resolveReferences(parsed.document, found);
  const { layersOf, shapeOf, checkpointOf } = resolved;
  const { document, generation } = await withGeneration(resolved, options);
  const modelOf = device?.kind === 'cpu' ? shapeOf : await withTraces(document, shapeOf, options);
  const gpus = device?.kind === 'cpu' ? null : await options.gpus.offer(modelOf);
  const inventory = gpus?.inventory ?? null;
  const unknownClass = gpuClassIssue(document, inventory);
  const misplacedKey = generation === null ? null : keyIssue(generation.spec, mounts);
  const issues = [...resolved.issues, ...[unknownClass, misplacedKey].filter((issue) => issue !== null)];
  if (issues.length > 0) throw new InvalidDocument(issues);
  const expansion = expandMatrix(document, { trainerRevision, device, layersOf, checkpointOf, gpus });
  if (expansion.trials.length === 0) throw new InvalidDocument(nothingLeft(expansion));
  const mistargeted = targetIssues(expansion, shapeOf);
  if (mistargeted.length > 0) throw new InvalidDocument(mistargeted);
  const waitsForGpus = expansion.trials.some(({ settings }) => settings.gpus > 0) && (await options.seesNoGpu());
  const estimated = new Map<string, MemoryView | null>();
  const settingsOf = new Map(expansion.trials.map(({ cell, settings }) => [cell.id, settings]));
  const plans = await plansOf(expansion, settingsOf, inventory, options.gpus);
  return {
    document,
    expansion,
    policy: runPolicy(
      document,
      gpuClassesFor({ ...expansion, plans }, document, inventory),
      parallelOn(devices, Object.values(plans)),
    ),
    plans,
    memory: (cellId) => {
      const settings = settingsOf.get(cellId);
      if (settings === undefined || device?.kind === 'cpu') return null;
      const key = `${likeKey(settings)} ${settings.training.packing} ${settings.lora?.dropout}`;
      const known = estimated.get(key);
      if (known !== undefined) return known;
      const shapes = (model: ModelRef): KnownShape => {
        const shape = modelOf(model);
        return shape === null ? { shape, message: '' } : { shape, trainer: 'lamina' };
      };
      const { memory } = estimateTrial(settings, document, { shapeOf: shapes, ...choiceFrom(gpus, settings) });
      estimated.set(key, memory);
      return memory;
    },
    copies: resolved.copies,
    generation,
    warnings: [
      ...parsed.warnings.map(({ path, message }) => `${path}: ${message}`),
      ...resolved.warnings,
      ...(generation === null ? [] : [generationSentence(generation)]),
      ...(waitsForGpus ? [NO_GPU] : []),
      ...(expansion.baselineCellId === null ? ['baseline matches no cell: nothing is compared with it'] : []),
    ],
  };
}

/** Adapters that no layer of a model would get: found here, not after a GPU was waited for. */
function targetIssues({ trials }: Expansion, shapeOf: ResolvedDocument['shapeOf']): readonly Issue[] {
  const messages = trials.flatMap(({ settings: { model, lora } }) => {
    const shape = lora === null ? null : shapeOf(model);
    const problem = lora === null || shape === null ? null : targetsProblem(shape, lora.targets);
    return problem === null ? [] : [problem];
  });
  return [...new Set(messages)].map((message) => ({ path: 'lora.targets', message }));
}

/** Shapes, and where a model has none what was traced of it. */
async function withTraces(
  document: ExperimentDocument,
  shapeOf: ResolvedDocument['shapeOf'],
  { shapes, tracer }: Pick<PrepareOptions, 'shapes' | 'tracer'>,
): Promise<(model: ModelRef) => MemoryModel | null> {
  if (tracer === null) return shapeOf;
  const unknown = references(document).models.filter((model) => shapeOf(model) === null);
  const configs = await Promise.all(
    unknown.map(async (model) => ({ model, config: await shapes.config(model).catch(() => null) })),
  );
  const untraced = configs.flatMap(({ model, config }) => (config === null ? [] : [{ model, config }]));
  if (untraced.length === 0) return shapeOf;
  const traced = await tracedModels(document, untraced, tracer);
  return (model) => {
    const found = traced.get(canonical(model));
    return shapeOf(model) ?? (found !== undefined && 'model' in found ? found.model : null);
  };
}

/** A dataset that was generated before takes the place of its spec. */
async function withGeneration(
  { document, promptFile }: ResolvedDocument,
  options: GenerationOptions,
): Promise<{ readonly document: ExperimentDocument; readonly generation: PlannedGeneration | null }> {
  if (document.dataset.source !== 'generated') return { document, generation: null };
  const generation = await planGeneration(document.dataset, promptFile, options);
  const dataset = generation.done?.dataset ?? document.dataset;
  return { document: { ...document, dataset }, generation };
}

/** Plans as chosen, or as earlier trials of like cells ended up with. */
async function plansOf(
  { plans }: Expansion,
  settingsOf: ReadonlyMap<string, TrialSettings>,
  inventory: GpuInventory | null,
  gpus: GpuOffers,
): Promise<Readonly<Record<string, Plan>>> {
  const keys = new Map([...settingsOf].map(([cellId, settings]) => [cellId, likeKey(settings)]));
  const worked = await gpus.plansThatWorked([...new Set(keys.values())]);
  return Object.fromEntries(
    Object.entries(plans).map(([cellId, plan]) => {
      return [cellId, rememberedPlan(plan, worked.get(keys.get(cellId) ?? ''), inventory)];
    }),
  );
}

function nothingLeft({ dropped }: Expansion): readonly Issue[] {
  if (dropped.length === 0) return [{ path: 'matrix', message: 'has no cell', fix: 'list at least one value' }];
  const reasons = new Map(dropped.map((cell) => [cell.message, cell]));
  return [...reasons.values()].map(({ label, reason, message }) => ({
    path: reason === 'unsupported-precision' || reason === 'checkpoint-precision' ? 'matrix.precision' : 'matrix',
    message: `no cell is left: ${label} ${message}`,
  }));
}
