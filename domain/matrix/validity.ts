/** Which cells make no sense, and why. Each rule says so in one sentence. */
import type { TrialSettings } from '../contract/settings.ts';
import { depthProblem } from '../spec/layers.ts';
import type { DropReason } from '../vocabulary/drops.ts';
import { methodProblem } from '../vocabulary/methods.ts';
import { checkpointLack, FAST_16_BIT, gpuLack, precisionFacts } from '../vocabulary/precisions.ts';
import type { DeviceCapabilities, ExpansionContext } from './context.ts';
import { shortName } from './label.ts';

export interface Objection {
  readonly reason: DropReason;
  readonly message: string;
}

type Settings = Pick<TrialSettings, 'model' | 'method' | 'precision' | 'computeDtype' | 'layers' | 'training' | 'gpus'>;

export function objection(
  settings: Settings,
  layers: number | null,
  { device, checkpointOf }: Pick<ExpansionContext, 'device' | 'checkpointOf'>,
): Objection | null {
  return (
    methodProblem(settings.method, settings.precision) ??
    depthObjection(settings, layers) ??
    checkpointObjection(settings, checkpointOf?.(settings.model)) ??
    (device === null ? null : deviceObjection(settings, device))
  );
}

function checkpointObjection({ model, precision }: Settings, checkpoint: string | null | undefined): Objection | null {
  if (checkpoint === undefined) return null;
  const message = checkpointLack(precision, shortName(model), checkpoint);
  return message === null ? null : { reason: 'checkpoint-precision', message };
}

function depthObjection(settings: Settings, layers: number | null): Objection | null {
  const message = layers === null ? null : depthProblem(settings.layers, layers);
  return message === null ? null : { reason: 'too-many-layers', message };
}

const BF16_CAPABILITY = Number(FAST_16_BIT.computeCapability);

function unsupported(message: string): Objection {
  return { reason: 'unsupported-precision', message };
}

function deviceObjection(settings: Settings, device: DeviceCapabilities): Objection | null {
  if (device.kind === 'cpu') {
    const { cpu } = precisionFacts(settings.precision);
    if (cpu !== null) return unsupported(cpu);
    if (settings.gpus > 0)
      return {
        reason: 'does-not-fit',
        message: `asks for ${settings.gpus} GPU${settings.gpus === 1 ? '' : 's'}, and this machine has none`,
      };
    return null;
  }
  return capabilityObjection(settings, device);
}

/** Why a GPU cannot compute this cell; null where it can, or its compute capability is not known. */
export function capabilityObjection(
  { precision, computeDtype, training }: Pick<TrialSettings, 'precision' | 'computeDtype' | 'training'>,
  { name, computeCapability }: Pick<DeviceCapabilities, 'name' | 'computeCapability'>,
): Objection | null {
  if (computeCapability === null) return null;
  const capability = Number(computeCapability);
  const lack = gpuLack(precision, name, computeCapability);
  if (lack !== null) return unsupported(lack);
  if (capability >= BF16_CAPABILITY) return null;
  if (computeDtype === 'bf16' || training.mixedPrecision === 'bf16')
    return unsupported(
      `computing in bf16 needs compute capability ${BF16_CAPABILITY.toFixed(1)}; ${name} has ${computeCapability}`,
    );
  if (precision === 'bf16' && computeDtype === 'auto' && training.mixedPrecision === 'none')
    return unsupported(
      `bf16 needs compute capability ${BF16_CAPABILITY.toFixed(1)}; ${name} has ${computeCapability}: use fp16, or quantization.computeDtype fp32`,
    );
  return null;
}
