/**
 * Memory of models without formulas, from profiles that the trainer traced (`lamina_trainer.memory_trace`): one training
 * step on tensors without values, every storage followed.
 */
import { z } from 'zod';
import type { TrialSettings } from '../contract/settings.ts';
import { canonical } from '../vocabulary/canonical.ts';
import { contextTerm, poolTerm } from './overhead.ts';
import { type MemorySettings, storedBytes } from './settings.ts';
import { type Term, term } from './terms.ts';
import { stateBytes } from './weights.ts';

const plane = z.object({ fixed: z.number(), layer: z.number(), batch: z.number(), both: z.number() });
type Plane = z.infer<typeof plane>;

const MOMENTS = ['loss', 'last-layer', 'first-layer', 'optimizer-step', 'evaluation'] as const;

/** Bytes by depth and micro-batch; optimizer states are not among what is alive. */
export const traceProfile = z.object({
  layers: z.int().positive(),
  fused: z.boolean(),
  parameters: plane,
  trainable: plane,
  weights: plane,
  adapters: plane,
  gradients: plane,
  moments: z.partialRecord(z.enum(MOMENTS), z.object({ alive: plane, gradients: plane })),
});
export type TraceProfile = z.infer<typeof traceProfile>;

/** A model that has no formulas. `profiles`: by `traceKey`, those that were traced. */
export interface TracedModel {
  readonly layers: number;
  /** No logits of a whole batch exist. */
  readonly fused: boolean;
  readonly profiles: ReadonlyMap<string, TraceProfile>;
}

/** What the trainer is asked to trace. */
export interface TraceRun {
  readonly precision: MemorySettings['precision'];
  readonly computeDtype: MemorySettings['computeDtype'];
  readonly autocast: boolean;
  readonly method: MemorySettings['method'];
  readonly lora: TrialSettings['lora'];
  readonly longest: number;
  readonly checkpointing: boolean;
  readonly evaluationBatch: number;
}

export function traceRun(settings: MemorySettings): TraceRun {
  const { precision, computeDtype, autocast, method, lora, longest, checkpointing, evaluationBatch } = settings;
  const adapters =
    lora === null
      ? null
      : {
          r: lora.rank,
          alpha: lora.rank,
          dropout: lora.dropout,
          targets: lora.targets === 'all-linear' ? lora.targets : [...lora.targets],
          bias: 'none' as const,
          rslora: false,
        };
  return { precision, computeDtype, autocast, method, lora: adapters, longest, checkpointing, evaluationBatch };
}

export function traceKey(settings: MemorySettings): string {
  return canonical(traceRun(settings));
}

/** A step is traced as it is asked for, and with checkpointing, which a smaller GPU may take. */
export function traceSettings(settings: MemorySettings): readonly MemorySettings[] {
  return settings.checkpointing ? [settings] : [settings, { ...settings, checkpointing: true }];
}

export interface TracedEstimate {
  readonly moment: (typeof MOMENTS)[number];
  readonly terms: readonly Term[];
  readonly allocatedBytes: number;
  readonly steadyBytes: number;
  /** Weights, states and gradients at the peak. */
  readonly certainBytes: number;
}

const SOURCE = 'traced: one step of the trainer on tensors without values, every storage followed';

/** Null where the profile is missing. Per GPU. */
export function estimateTraced(model: TracedModel, settings: MemorySettings): TracedEstimate | null {
  const profile = model.profiles.get(traceKey(settings));
  if (profile === undefined) return null;
  const at = ({ fixed, layer, batch, both }: Plane) =>
    Math.max(0, fixed + layer * settings.layers + (batch + both * settings.layers) * settings.microBatch);
  const { shards } = settings;
  const bytes = settings.method === 'full' ? storedBytes(settings.precision) : 4;
  const [weights, adapters, all] = [at(profile.weights), at(profile.adapters), at(profile.gradients)];
  const states = at(profile.trainable) * stateBytes(settings.optimizer, bytes);
  // Two layers and what is outside of them are whole while they are at work (FSDP).
  const gathered = shards === 1 ? 0 : 2 * profile.weights.layer + profile.weights.fixed;
  const temporaries = settings.foreach && settings.optimizer === 'adamw' ? at(profile.trainable) * bytes : 0;
  const moments = MOMENTS.flatMap((moment) => {
    const traced = profile.moments[moment];
    if (traced === undefined) return [];
    const present = at(traced.gradients);
    const passes = moment === 'loss' || moment === 'last-layer' || moment === 'first-layer';
    const gradients = passes && settings.accumulation > 1 ? all : present;
    const step = moment === 'optimizer-step' ? temporaries : 0;
    const work = Math.max(0, at(traced.alive) - weights - adapters - present) + step;
    return [{ moment, gradients: gradients / shards, work: work + gathered }];
  });
  const lasting = (weights + adapters + states) / shards;
  const [first, ...others] = moments;
  if (first === undefined) return null;
  const highest = others.reduce((a, b) => (b.gradients + b.work > a.gradients + a.work ? b : a), first);
  const terms = [
    term('weights', 'base weights', weights / shards, SOURCE, { steady: true }),
    term('adapters', 'adapter weights', adapters / shards, SOURCE, { steady: true }),
    term('optimizer', 'optimizer states', states / shards, 'parameters × bytes of their states', { steady: true }),
    term('gradients', 'gradients', highest.gradients, SOURCE, { steady: true }),
    term('activations', 'activations, logits and temporaries', highest.work, SOURCE),
  ];
  const pool = poolTerm(
    { ...settings, logits: profile.fused ? 'fused' : 'full' },
    moments.map(({ gradients, work }) => ({ bytes: lasting + gradients + work, transient: work })),
    0,
  );
  const allocatedBytes = terms.reduce((sum, each) => sum + each.bytes, 0);
  return {
    moment: highest.moment,
    terms: [...terms, pool, contextTerm(settings)].filter((each) => each.bytes > 0),
    allocatedBytes,
    steadyBytes: Math.ceil(lasting + all / shards),
    certainBytes: lasting + highest.gradients,
  };
}

/** Parameters of a traced model cut to `layers`, and those that are trained; null where nothing was traced. */
export function tracedParameters(model: TracedModel, settings: MemorySettings) {
  const profile = model.profiles.get(traceKey(settings));
  if (profile === undefined) return null;
  const at = ({ fixed, layer }: Plane) => Math.round(fixed + layer * settings.layers);
  return { parameters: at(profile.parameters), trainable: at(profile.trainable) };
}
