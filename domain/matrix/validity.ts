/** Which cells make no sense, and why. Each rule says so in one sentence. */
import type { TrialSettings } from '../contract/settings.ts';
import { depthProblem } from '../spec/layers.ts';
import { isQuantized, type Method, type Precision } from '../spec/vocabulary.ts';
import { CAPABILITIES, checkpointLack, FAST_16_BIT, gpuLack } from './capabilities.ts';
import type { DeviceCapabilities, ExpansionContext } from './context.ts';
import { shortName } from './label.ts';
import type { DropReason } from './types.ts';

export interface Objection {
  readonly reason: DropReason;
  readonly message: string;
}

/** Why a method cannot train weights that are stored this way; null where it can. */
export function methodProblem(method: Method, precision: Precision): Objection | null {
  const quantized = isQuantized(precision);
  if (method === 'full' && quantized)
    return {
      reason: 'full-needs-unquantized',
      message: `full training changes the weights themselves, and ${precision} weights cannot be trained; use qlora, or an unquantized precision`,
    };
  if (method === 'lora' && quantized)
    return {
      reason: 'lora-needs-unquantized',
      message: `lora means adapters over unquantized weights; over ${precision} weights the method is qlora`,
    };
  if (method === 'qlora' && !quantized)
    return {
      reason: 'qlora-needs-quantized',
      message: `qlora means adapters over quantized weights; over ${precision} weights the method is lora`,
    };
  return null;
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
    const { cpu } = CAPABILITIES[settings.precision];
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
