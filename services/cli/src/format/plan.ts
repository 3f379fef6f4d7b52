import type { Plan } from '@lamina/domain/contract/trial.ts';

/** "2 × A100-80GB: micro-batch 2 × 8, checkpointing". */
export function planText({
  gpuClass,
  gpus,
  microBatch,
  accumulation,
  checkpointing,
}: Pick<Plan, 'gpuClass' | 'gpus' | 'microBatch' | 'accumulation' | 'checkpointing'>): string {
  const several = gpus > 1 ? `${gpus} × ` : '';
  const steps = `micro-batch ${microBatch} × ${accumulation}${checkpointing ? ', checkpointing' : ''}`;
  return `${several}${gpuClass ?? (gpus === 0 ? 'CPU' : 'any GPU')}: ${steps}`;
}
