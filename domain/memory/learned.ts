/** Margins of classes of GPUs from trials that were measured on them. */
import type { GpuClassInventory } from '../contract/gpus.ts';
import type { TrialResult } from '../contract/result.ts';
import type { ModelRef, TrialSettings } from '../contract/settings.ts';
import type { Plan } from '../contract/trial.ts';
import { estimateAssumptions } from '../spec/estimate.ts';
import { estimateMemory } from './estimate.ts';
import { memorySettings } from './from-settings.ts';
import { KINDS, type Kind, kindOf } from './overhead.ts';
import type { ModelShape } from './shape.ts';
import { DEFAULT_MARGINS, type Margins, residualOf, updated } from './spread.ts';

export interface MeasuredTrialOnGpu {
  readonly settings: Omit<TrialSettings, 'seed'>;
  /** Plan of the attempt that was measured. */
  readonly plan: Plan;
  /** Product that the driver names. */
  readonly device: string;
  readonly memory: TrialResult['memory'];
}

export interface LearnedMargins {
  readonly margins: Margins;
  /** Measured trials that they come from; 0: they are assumed. */
  readonly trials: number;
}

export const ASSUMED_MARGINS: LearnedMargins = { margins: DEFAULT_MARGINS, trials: 0 };

/** What the trainer does where nobody says otherwise. */
export const TRAINER_ASSUMPTIONS = estimateAssumptions.parse({});

/** By the names of the classes; those without a measured trial keep the margins that are assumed. */
export function learnMargins(
  classes: readonly Pick<GpuClassInventory, 'name' | 'product' | 'mig'>[],
  trials: readonly MeasuredTrialOnGpu[],
  shapeOf: (model: ModelRef) => ModelShape | null,
): ReadonlyMap<string, LearnedMargins> {
  const peaks = trials.flatMap((trial) => {
    const peak = measuredPeak(trial, shapeOf(trial.settings.model));
    return peak === null ? [] : [{ trial, peak }];
  });
  return new Map(
    classes.map((gpuClass) => {
      const own = peaks.filter(({ trial }) => ranOn(trial, gpuClass)).map(({ peak }) => peak);
      return [gpuClass.name, { margins: marginsAfter(own), trials: own.length }];
    }),
  );
}

function marginsAfter(peaks: readonly MeasuredPeak[]): Margins {
  const residuals = (kind: Kind) => peaks.filter((peak) => peak.kind === kind).map(({ residual }) => residual);
  return Object.fromEntries(KINDS.map((kind) => [kind, updated(DEFAULT_MARGINS[kind], residuals(kind))])) as Margins;
}

/** Settings as an attempt ran them: its plan decides how a batch is divided. */
export function plannedSettings<Settings extends Omit<TrialSettings, 'seed'>>(
  settings: Settings,
  { gpus, microBatch, accumulation, checkpointing }: Plan,
): Settings {
  return { ...settings, gpus, training: { ...settings.training, microBatch, accumulation, checkpointing } };
}

interface MeasuredPeak {
  readonly kind: Kind;
  /** `residualOf` the outermost counter that was read. */
  readonly residual: number;
}

/** Null where there is nothing to compare: no counter was read, or the model's configuration is not known. */
function measuredPeak({ settings, plan, memory }: MeasuredTrialOnGpu, shape: ModelShape | null): MeasuredPeak | null {
  const { peakAllocatedBytes, peakReservedBytes, peakProcessBytes } = memory;
  if (shape === null || !peakAllocatedBytes || plan.gpus > 1) return null;
  const ran = memorySettings(plannedSettings(settings, plan), shape, TRAINER_ASSUMPTIONS, 'lamina');
  const { peak, uncertain } = estimateMemory(shape, ran);
  const [measured, bytes] = peakProcessBytes
    ? [peakProcessBytes, peak.processBytes]
    : peakReservedBytes
      ? [peakReservedBytes, peak.reservedBytes]
      : [peakAllocatedBytes, peak.allocatedBytes];
  return { kind: kindOf(ran), residual: residualOf(measured, { bytes, uncertain }) };
}

/** Node labels write a product with dashes where the driver has spaces; a MIG instance has only its class's name. */
function ranOn(
  { plan, device }: MeasuredTrialOnGpu,
  { name, product, mig }: Pick<GpuClassInventory, 'name' | 'product' | 'mig'>,
): boolean {
  return plan.gpuClass === name || (mig === null && product !== null && plain(product) === plain(device));
}

function plain(product: string): string {
  return product.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}
