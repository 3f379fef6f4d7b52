/** From a trial's settings to what its memory depends on. */

import { keptLayers } from '../contract/layer-strategies.ts';
import type { TrialSettings } from '../contract/settings.ts';
import type { EstimateAssumptions } from '../spec/estimate.ts';
import { type TRAINERS } from '../vocabulary/memory.ts';
import { hasMasterWeights } from '../vocabulary/methods.ts';
import { precisionFacts } from '../vocabulary/precisions.ts';
import { isTraced, type MemoryModel } from './estimate.ts';
import type { MemorySettings } from './settings.ts';

/** Without packing, the longest of many samples is taken to be so many times their mean (instruction data: 3 to 7). */
const LONGEST_OVER_MEAN = 6;
/** Heads that the trainer's fused loss knows (`head.py`); others go through the model's own forward. */
const WITHOUT_FUSED_LOSS: readonly string[] = ['phi'];

export type Trainer = (typeof TRAINERS)[number];

export function memorySettings(
  settings: Omit<TrialSettings, 'seed'>,
  shape: MemoryModel,
  assumptions: EstimateAssumptions,
  trainer: Trainer,
): MemorySettings {
  const { precision, method, training, lora, evaluation } = settings;
  const numerics = numericsOf(settings);
  const optimizer = assumptions.optimizer ?? training.optimizer;
  return {
    layers: keptLayers(settings.layers, shape.layers) ?? shape.layers,
    precision,
    ...numerics,
    method,
    lora:
      lora === null
        ? null
        : {
            rank: lora.r,
            targets: lora.targets,
            dropout: lora.dropout,
            bytes: (assumptions.adapterDtype ?? (trainer === 'torchtune' ? 'bf16' : 'fp32')) === 'fp32' ? 4 : 2,
          },
    optimizer,
    masterWeights: trainer === 'lamina' && training.masterWeights === 'fp32' && hasMasterWeights(method, precision),
    optimizerInBackward: assumptions.optimizerInBackward,
    foreach: assumptions.foreach,
    microBatch: training.microBatch,
    accumulation: training.accumulation,
    longest: longestOf(training, assumptions),
    mean: assumptions.meanTokens ?? (training.packing ? training.maxLength : null),
    checkpointing: training.checkpointing,
    activationOffload: assumptions.activationOffload,
    // transformers has no sdpa for Gemma 2, whose scores are capped.
    attention: assumptions.attention ?? (!isTraced(shape) && shape.family === 'gemma2' ? 'eager' : 'sdpa'),
    attentionMask: assumptions.attentionMask ?? isMasked(trainer, training.packing),
    logits: assumptions.logits ?? lossOf(shape, trainer),
    compile: assumptions.compile,
    kbitPreparation: assumptions.kbitPreparation,
    evaluationBatch: trainer === 'lamina' ? evaluation.microBatch : 0,
    // Lamina trains adapters with the whole base on every GPU; others divide it as well.
    shards: method === 'full' || trainer !== 'lamina' ? Math.max(1, settings.gpus) : 1,
    sharding: trainer === 'transformers' ? 'fsdp1' : 'fsdp2',
  };
}

/** GPU counts that a trial may be divided over: full training alone is, and states that are kept in blocks are not. */
export function gpuCounts(settings: Omit<TrialSettings, 'seed'>): readonly number[] {
  const { method, training } = settings;
  const divisible =
    method === 'full' && ['adamw', 'sgd'].includes(training.optimizer) && training.mixedPrecision !== 'fp16';
  return divisible ? [1, 2, 4, 8, 16] : [1];
}

/** As the trainer resolves them on a GPU (`precision.py`): auto is the stored dtype, or bf16 over k-bit weights. */
function numericsOf({
  precision,
  computeDtype,
  training,
}: Pick<TrialSettings, 'precision' | 'computeDtype' | 'training'>) {
  const { mixedPrecision } = training;
  const { dtype } = precisionFacts(precision);
  const computed = computeDtype === 'auto' ? dtype : computeDtype;
  const autocast = mixedPrecision !== 'none' || (dtype === 'fp32' && computed !== 'fp32');
  return { computeDtype: mixedPrecision === 'none' ? computed : mixedPrecision, autocast };
}

function longestOf({ packing, maxLength }: TrialSettings['training'], assumptions: EstimateAssumptions): number {
  const { longestTokens, meanTokens } = assumptions;
  if (packing) return maxLength;
  const longest = longestTokens ?? (meanTokens === null ? maxLength : meanTokens * LONGEST_OVER_MEAN);
  return Math.min(longest, maxLength);
}

/** torchtune repeats keys and values itself, transformers where a mask keeps sdpa from sharing them. */
function isMasked(trainer: Trainer, packing: boolean): boolean {
  return trainer === 'torchtune' || (trainer === 'transformers' && !packing);
}

function lossOf(shape: MemoryModel, trainer: Trainer): MemorySettings['logits'] {
  if (isTraced(shape)) return shape.fused ? 'fused' : 'full';
  if (trainer === 'torchtune') return 'chunked';
  return trainer === 'lamina' && !WITHOUT_FUSED_LOSS.includes(shape.family) ? 'fused' : 'full';
}
