/** Will it fit? The peak of a training run from a model's configuration and its settings alone. */
import * as activations from './activations.ts';
import { lossBytes, scoringBytes } from './logits.ts';
import * as overhead from './overhead.ts';
import { computeBytes, type MemorySettings } from './settings.ts';
import type { ModelShape } from './shape.ts';
import type { Predicted } from './spread.ts';
import { type Term, term, totalBytes } from './terms.ts';
import { estimateTraced, type TracedModel } from './traced.ts';
import * as weights from './weights.ts';

/** Bytes as three counters show them: `max_memory_allocated`, `max_memory_reserved`, and the driver's for the process. */
export interface Totals {
  readonly allocatedBytes: number;
  readonly reservedBytes: number;
  readonly processBytes: number;
}

export const MOMENTS = {
  loss: 'the loss is differentiated',
  'last-layer': 'the last layer is differentiated',
  'first-layer': 'the first layer is differentiated, all gradients present',
  embedding: 'the embedding is differentiated, all gradients present',
  'optimizer-step': 'the optimizer steps',
  evaluation: 'held-out text is scored',
} as const;
export type Moment = keyof typeof MOMENTS;

export interface MemoryEstimate {
  /** When the peak is reached. */
  readonly moment: Moment;
  /** What is there at that moment, and on top of it the allocator's pool and the context. Their sum is the process's peak. */
  readonly terms: readonly Term[];
  readonly peak: Totals;
  /** Share of the process's peak that is neither weights, states nor gradients. */
  readonly uncertain: number;
  /** Between two steps, gradients not yet dropped. */
  readonly steady: Totals;
}

/**
 * Per GPU. A step's memory has few candidates for its peak, since activations fall as gradients rise, both linear in
 * the layer: the two ends of the backward pass, the step, and the evaluation. The largest is the answer.
 */
export function estimateMemory(model: MemoryModel, settings: MemorySettings): MemoryEstimate {
  return isTraced(model) ? fromTrace(model, settings) : fromFormulas(model, settings);
}

/** What estimates work with: the sizes of a family with formulas, or what the trainer traced. */
export type MemoryModel = ModelShape | TracedModel;

export function isTraced(model: MemoryModel): model is TracedModel {
  return 'profiles' in model;
}

/** @throws where the settings were not traced; ask `tracedParameters` first */
function fromTrace(model: TracedModel, settings: MemorySettings): MemoryEstimate {
  const traced = estimateTraced(model, settings);
  if (traced === null) throw new Error('these settings were not traced');
  const { moment, terms, allocatedBytes, steadyBytes, certainBytes } = traced;
  const bytes = (level: Term['level']) => totalBytes(terms.filter((each) => each.level === level));
  const reserved = allocatedBytes + bytes('reserved');
  return {
    moment,
    terms,
    peak: totals(allocatedBytes, reserved, bytes('process')),
    steady: totals(steadyBytes, reserved, bytes('process')),
    uncertain: 1 - certainBytes / (reserved + bytes('process')),
  };
}

function fromFormulas(shape: ModelShape, settings: MemorySettings): MemoryEstimate {
  const moments = allMoments(shape, settings);
  const highest = moments.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const transient = (at: AtMoment) => at.bytes - certainBytes(at, shape, settings);
  const occupied = moments.map((at) => ({ moment: at.moment, bytes: at.bytes, transient: transient(at) }));
  const pool = overhead.poolTerm(settings, occupied, beyondPeak(occupied, highest.bytes, shape, settings));
  const context = overhead.contextTerm(settings);
  const between = totalBytes(steadyTerms(shape, settings));
  const reserved = highest.bytes + pool.bytes;
  return {
    moment: highest.moment,
    terms: present([...highest.terms, pool, context]),
    peak: totals(highest.bytes, reserved, context.bytes),
    uncertain: 1 - certainBytes(highest, shape, settings) / (reserved + context.bytes),
    // The pool keeps what the peak needed.
    steady: totals(between, reserved, context.bytes),
  };
}

interface AtMoment {
  readonly moment: Moment;
  readonly terms: readonly Term[];
  readonly bytes: number;
}

function allMoments(shape: ModelShape, settings: MemorySettings): readonly AtMoment[] {
  return (Object.keys(MOMENTS) as Moment[]).map((moment) => {
    const terms = momentTerms(moment, shape, settings);
    return { moment, terms, bytes: totalBytes(terms) };
  });
}

/** By how much backward pass and optimizer step together exceed the peak; nothing where the step has no temporaries. */
function beyondPeak(
  moments: readonly (overhead.Occupied & Pick<AtMoment, 'moment'>)[],
  peak: number,
  shape: ModelShape,
  settings: MemorySettings,
): number {
  const step = weights.stepTemporaryTerm(shape, settings).bytes;
  if (step === 0) return 0;
  const backward = moments.filter(({ moment }) => moment !== 'optimizer-step').map(({ transient }) => transient);
  const apart =
    totalBytes(lasting(shape, settings)) + weights.gradientBytes(shape, settings) + step + Math.max(...backward);
  return Math.max(0, apart - peak);
}

/** Weights, states and gradients at a moment: counted, not estimated. */
function certainBytes({ terms }: AtMoment, shape: ModelShape, settings: MemorySettings): number {
  return totalBytes(lasting(shape, settings)) + totalBytes(terms.filter(({ id }) => id === 'gradients'));
}

/** What a process's peak is predicted from. */
export function predictedPeak({ peak, uncertain }: MemoryEstimate): Predicted {
  return { bytes: peak.processBytes, uncertain };
}

function totals(allocatedBytes: number, reservedBytes: number, context: number): Totals {
  return { allocatedBytes, reservedBytes, processBytes: reservedBytes + context };
}

/** Without what is not there; what appears twice, added up. */
function present(terms: readonly Term[]): readonly Term[] {
  const byId = Map.groupBy(terms, ({ id }) => id);
  return [...byId.values()].flatMap((same) => {
    const [first] = same;
    const bytes = totalBytes(same);
    return first === undefined || bytes === 0 ? [] : [{ ...first, bytes }];
  });
}

/** Weights and states: there at every moment. */
function lasting(shape: ModelShape, settings: MemorySettings): readonly Term[] {
  return [
    ...weights.weightTerms(shape, settings).filter(({ steady }) => steady),
    weights.adapterTerm(shape, settings),
    weights.masterTerm(shape, settings),
    weights.optimizerTerm(shape, settings),
  ];
}

function steadyTerms(shape: ModelShape, settings: MemorySettings): readonly Term[] {
  const gradients = settings.optimizerInBackward ? 0 : weights.gradientBytes(shape, settings);
  const tokens = settings.microBatch * (settings.mean ?? 0);
  const held = settings.logits === 'full' ? tokens * shape.vocabulary * computeBytes(settings) : 0;
  const source = 'loops that keep the last output; mean length where it is known';
  return [
    ...lasting(shape, settings),
    weights.gradientTerm(gradients),
    term('held-logits', 'logits of the last batch', held, source, { steady: true }),
  ];
}

function momentTerms(moment: Moment, shape: ModelShape, settings: MemorySettings): readonly Term[] {
  const always = lasting(shape, settings);
  const running = [overhead.gatherTerm(shape, settings), overhead.dequantizationTerm(shape, settings)];
  const all = settings.optimizerInBackward
    ? weights.largestGradientBytes(shape, settings)
    : weights.gradientBytes(shape, settings);
  // Gradients of earlier forward passes of the same step are there already.
  const accumulated = settings.accumulation > 1 && !settings.optimizerInBackward ? all : 0;
  const casts = weights.weightTerms(shape, settings).filter(({ steady }) => !steady);
  switch (moment) {
    case 'loss': {
      // A fused loss makes the head's gradient while it works on blocks of logits.
      const head = settings.logits === 'fused' ? weights.largestGradientBytes(shape, settings) : 0;
      const early = settings.optimizerInBackward ? all : accumulated + head;
      const forward = [...keptActivations(shape, settings), logitsTerm(shape, settings)];
      return [...always, ...running, ...casts, weights.gradientTerm(early), ...forward];
    }
    case 'last-layer': {
      const early = Math.max(accumulated, weights.largestGradientBytes(shape, settings));
      const kept = keptByLayers(shape, settings, settings.layers - 1);
      return [...always, ...running, ...casts, weights.gradientTerm(early), ...kept, ...workingLayer(shape, settings)];
    }
    case 'first-layer':
      return [
        ...always,
        ...running,
        ...casts,
        weights.gradientTerm(all),
        ...workingLayer(shape, settings),
        shardedAdapterTerm(shape, settings),
      ];
    case 'embedding':
      return [...always, ...casts, weights.gradientTerm(all), embeddingGradientTerm(shape, settings)];
    case 'optimizer-step':
      return [...always, weights.gradientTerm(all), weights.stepTemporaryTerm(shape, settings)];
    case 'evaluation':
      return [...always, ...running, ...evaluation(shape, settings)];
  }
}

function tokensOf(settings: MemorySettings): number {
  return settings.microBatch * settings.longest;
}

/** What the whole forward pass keeps. */
function keptActivations(shape: ModelShape, settings: MemorySettings): readonly Term[] {
  const outer = term(
    'outer-activations',
    'final norm',
    tokensOf(settings) * activations.outerBytes(shape, settings),
    'transformers: the final norm’s fp32 input; its output where the head is trained',
  );
  return [...keptByLayers(shape, settings, settings.layers), outer];
}

/** What the first `layers` layers keep: all that they need, or their inputs. */
function keptByLayers(shape: ModelShape, settings: MemorySettings, layers: number): readonly Term[] {
  if (settings.activationOffload) return [];
  const count = tokensOf(settings) * layers;
  if (!settings.checkpointing) return layerTerms(shape, settings, count);
  const bytes = count * activations.checkpointBytes(shape, settings);
  return [term('checkpoints', 'inputs of the layers', bytes, 'arXiv 1604.06174: one input a layer')];
}

/** One layer's activations and its backward pass. */
function workingLayer(shape: ModelShape, settings: MemorySettings): readonly Term[] {
  const tokens = tokensOf(settings);
  const backward = tokens * activations.backwardBytes(shape, settings);
  return [
    ...layerTerms(shape, settings, tokens),
    term(
      'backward',
      'gradients within a layer',
      backward,
      'torch.autograd: of product, gate, up and the residual stream',
    ),
  ];
}

function layerTerms(shape: ModelShape, settings: MemorySettings, count: number): readonly Term[] {
  const bytes = activations.layerActivations(shape, settings);
  const modeling = 'saved tensors of transformers’ modeling files';
  return [
    term('norm-activations', 'inputs of the norms', count * bytes.norms, `${modeling}: RMSNorm in fp32`),
    term(
      'attention-activations',
      'attention',
      count * bytes.attention,
      `${modeling}; FlashAttention, arXiv 2205.14135`,
    ),
    term('mlp-activations', 'feed-forward', count * bytes.mlp, `${modeling}: gate, its activation, up`),
    term(
      'linear-inputs',
      'inputs of trained or int8 weights',
      count * bytes.linearInputs,
      'torch.nn.functional.linear',
    ),
    term(
      'adapter-inputs',
      'inputs of adapters',
      count * bytes.adapterInputs,
      'PEFT: cast to the adapters’ dtype for each adapted layer; dropout keeps a mask',
    ),
  ];
}

/** Gradients of the embedding that exist before they are added: of a head tied to it, and of earlier forward passes. */
function embeddingGradientTerm(shape: ModelShape, settings: MemorySettings): Term {
  const accumulated = settings.accumulation > 1 && !settings.optimizerInBackward;
  const more = Number(shape.tied) + Number(accumulated);
  const bytes = more * weights.largestGradientBytes(shape, settings);
  const source = 'torch.autograd adds up gradients of one parameter after both are made';
  return term('embedding-gradient', 'gradients of the embedding that are added up', bytes, source);
}

/** Two states of each layer stay to the end where adapters are trained over divided weights. */
function shardedAdapterTerm(shape: ModelShape, settings: MemorySettings): Term {
  const sharded = settings.shards > 1 && settings.sharding === 'fsdp1' && settings.method !== 'full';
  const states = sharded ? tokensOf(settings) * (2 * settings.layers - 1) : 0;
  return term(
    'sharded-adapters',
    'inputs and gradients of all layers, which FSDP holds to the end',
    states * activations.checkpointBytes(shape, settings),
    'seen, not explained: published runs over two GPUs keep two 16-bit states for each layer and token',
  );
}

function logitsTerm(shape: ModelShape, settings: MemorySettings): Term {
  const sources = {
    full: 'transformers ForCausalLMLoss: logits, and in fp32 the log-softmax and two gradients',
    chunked: 'torchtune CEWithChunkedOutputLoss: logits and their log-softmax, and one chunk’s gradients',
    fused: 'a block of logits at a time, and the gradient by the hidden state',
  };
  const bytes = lossBytes(shape, settings, tokensOf(settings));
  return term('logits', 'logits and loss', bytes, sources[settings.logits]);
}

function evaluation(shape: ModelShape, settings: MemorySettings): readonly Term[] {
  const tokens = settings.evaluationBatch * settings.longest;
  if (tokens === 0) return [];
  const bytes = tokens * activations.inferenceBytes(shape, settings) + scoringBytes(shape, settings, tokens);
  return [term('evaluation', 'scoring held-out text', bytes, 'one layer and the logits, without gradients')];
}
