/** Closed choices of the sections `training` and `quantization`. Every list here is shown to users in errors. */

/** `auto`: bf16 where the device multiplies it fast, else fp32. The row says which it was. */
export const COMPUTE_DTYPES = ['auto', 'fp32', 'bf16', 'fp16'] as const;

export const OPTIMIZERS = ['adamw', 'adamw-8bit', 'paged-adamw-8bit', 'sgd'] as const;

export const LR_SCHEDULES = ['constant', 'linear', 'cosine'] as const;
