/** The closed vocabularies of the experiment document. Every list here is shown to users in errors. */

export const METHODS = ['full', 'lora', 'qlora'] as const;
/** How weights are trained: all of them, adapters over an unquantized base, adapters over a k-bit base. */
export type Method = (typeof METHODS)[number];

export const PRECISIONS = ['fp32', 'tf32', 'bf16', 'fp16', 'int8', 'nf4', 'nf4-dq', 'fp4', 'fp4-dq'] as const;
/** How the base weights are *stored*; the dtype they are multiplied in is the compute dtype. */
export type Precision = (typeof PRECISIONS)[number];

export const QUANTIZED_PRECISIONS = ['int8', 'nf4', 'nf4-dq', 'fp4', 'fp4-dq'] as const;

export function isQuantized(precision: Precision): boolean {
  return (QUANTIZED_PRECISIONS as readonly Precision[]).includes(precision);
}

export function hasAdapters(method: Method): boolean {
  return method !== 'full';
}

/** `auto`: bf16 where the device multiplies it fast, else fp32. The row says which it was. */
export const COMPUTE_DTYPES = ['auto', 'fp32', 'bf16', 'fp16'] as const;

export const OPTIMIZERS = ['adamw', 'adamw-8bit', 'paged-adamw-8bit', 'sgd'] as const;

export const LR_SCHEDULES = ['constant', 'linear', 'cosine'] as const;
