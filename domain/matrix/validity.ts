/** Which cells make no sense, and why. Each rule says so in one sentence. */
import type { TrialSettings } from '../contract/settings.ts';
import { depthProblem } from '../spec/layers.ts';
import { isQuantized, type Method, type Precision } from '../spec/vocabulary.ts';
import type { DeviceCapabilities } from './context.ts';
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

type Settings = Pick<TrialSettings, 'method' | 'precision' | 'computeDtype' | 'layers' | 'training' | 'gpus'>;

export function objection(
  settings: Settings,
  layers: number | null,
  device: DeviceCapabilities | null,
): Objection | null {
  return (
    methodProblem(settings.method, settings.precision) ??
    depthObjection(settings, layers) ??
    (device === null ? null : deviceObjection(settings, device))
  );
}

function depthObjection(settings: Settings, layers: number | null): Objection | null {
  const message = layers === null ? null : depthProblem(settings.layers, layers);
  return message === null ? null : { reason: 'too-many-layers', message };
}

/** CUDA compute capability from which on a precision works (tensor cores, or bitsandbytes' kernels). */
const CAPABILITY_NEEDED: Partial<Record<Precision, number>> = {
  tf32: 8.0,
  int8: 7.5,
  nf4: 6.0,
  'nf4-dq': 6.0,
  fp4: 6.0,
  'fp4-dq': 6.0,
};
const BF16_CAPABILITY = 8.0;

function unsupported(message: string): Objection {
  return { reason: 'unsupported-precision', message };
}

function deviceObjection(settings: Settings, device: DeviceCapabilities): Objection | null {
  if (device.kind === 'cpu') {
    if (settings.precision === 'tf32')
      return unsupported(`tf32 is a mode of NVIDIA GPUs; ${device.name} has none: use fp32`);
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
  const needed = CAPABILITY_NEEDED[precision];
  if (needed !== undefined && capability < needed)
    return unsupported(`${precision} needs compute capability ${needed.toFixed(1)}; ${name} has ${computeCapability}`);
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
