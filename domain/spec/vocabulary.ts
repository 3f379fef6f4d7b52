/** The closed vocabularies of the experiment document. Every list here is shown to users in errors. */

export const METHODS = ['full', 'lora', 'qlora'] as const;
/** How weights are trained: all of them, adapters over an unquantized base, adapters over a k-bit base. */
export type Method = (typeof METHODS)[number];

export const PRECISIONS = [
  'fp32',
  'tf32',
  'bf16',
  'fp16',
  'fp8',
  'int8',
  'int8-wo',
  'int4-wo',
  'int4-hqq',
  'nf4',
  'nf4-dq',
  'fp4',
  'fp4-dq',
  'gptq',
  'awq',
] as const;
/** How the base weights are *stored*; the dtype they are multiplied in is the compute dtype. */
export type Precision = (typeof PRECISIONS)[number];

/** What is left of them is quantized: adapters alone are trained over it. */
const UNQUANTIZED_PRECISIONS: readonly Precision[] = ['fp32', 'tf32', 'bf16', 'fp16'];

export function isQuantized(precision: Precision): boolean {
  return !UNQUANTIZED_PRECISIONS.includes(precision);
}

export function hasAdapters(method: Method): boolean {
  return method !== 'full';
}

/** `auto`: bf16 where the device multiplies it fast, else fp32. The row says which it was. */
export const COMPUTE_DTYPES = ['auto', 'fp32', 'bf16', 'fp16'] as const;

export const OPTIMIZERS = ['adamw', 'adamw-8bit', 'paged-adamw-8bit', 'sgd'] as const;

export const LR_SCHEDULES = ['constant', 'linear', 'cosine'] as const;
