/** Settings of transformers' `TrainingArguments` and peft's `LoraConfig`, which most tools share. */
import { type Draft } from './draft.ts';
import {
  flag,
  flagOf,
  leave,
  listOf,
  number,
  numberOf,
  type Rule,
  type Rules,
  shown,
  text,
  unlessOff,
  word,
} from './rules.ts';

const OWN_PLACE = 'Lamina keeps results, logs and checkpoints itself, by trial';
const ONE_MACHINE = 'how processes and GPUs work together is planned by Lamina (resources.gpus)';
const SPEED = 'a matter of speed, which the trainer decides';
const NO_TRACKER = 'Lamina shows progress itself, and sends it nowhere';

export const EPOCHS = 'Lamina counts optimizer steps, so that all cells do the same number: set training.steps';

const numeric =
  (change: (draft: Draft, value: unknown) => void): Rule =>
  (value, draft) =>
    change(draft, value);

/** `on` where the flag is set. */
const whenOn = (change: (draft: Draft) => void): Rule =>
  numeric((draft, value) => {
    if (flagOf(value) !== false) change(draft);
  });

export const DTYPES = {
  float32: 'fp32',
  fp32: 'fp32',
  bfloat16: 'bf16',
  bf16: 'bf16',
  float16: 'fp16',
  fp16: 'fp16',
  half: 'fp16',
} as const;

export const dtype: Rule = (value, draft, key) => {
  const name = String(value).toLowerCase().replace('torch.', '');
  if (name === 'auto') return draft.leave(key, 'the matrix names a precision; bf16 unless it is changed');
  const known = DTYPES[name as keyof typeof DTYPES];
  if (known === undefined) return draft.leave(key, `${shown(value)} is no dtype that Lamina stores weights in`);
  draft.numerics.dtype = known;
};

export const loraTargets: Rule = (value, draft) => {
  const names = listOf(value);
  draft.set(
    'lora.targets',
    names.length === 1 && ['all', 'all-linear'].includes(names[0] ?? '') ? 'all-linear' : names,
  );
};

export const schedule = word('training.schedule', {
  linear: 'linear',
  cosine: 'cosine',
  constant: 'constant',
  constant_with_warmup: 'constant',
});

export const optimizer = word('training.optimizer', {
  adamw: 'adamw',
  adamw_torch: 'adamw',
  adamw_torch_fused: 'adamw',
  adamw_hf: 'adamw',
  adamw_8bit: 'adamw-8bit',
  adamw_bnb_8bit: 'adamw-8bit',
  paged_adamw_8bit: 'paged-adamw-8bit',
  sgd: 'sgd',
});

const warmupRatio: Rule = (value, draft, key) => {
  const ratio = numberOf(value);
  if (ratio === null) return draft.leave(key, `${shown(value)} is no number`);
  draft.numerics.warmupRatio = ratio;
};

export const steps: Rule = (value, draft, key) => {
  const count = numberOf(value);
  if (count === null) return draft.leave(key, `${shown(value)} is no number`);
  if (count > 0) draft.set('training.steps', count);
};

const fraction: Rule = (value, draft, key) => {
  const share = numberOf(value);
  if (share !== null && share > 0 && share < 1) draft.set('evaluation.fraction', share);
  else draft.leave(key, 'Lamina holds out a share of the records: set evaluation.fraction');
};

/** Whether the loss counts prompts too. */
export const countsPrompts = flag('dataset.loss', (on) => (on ? 'all' : 'answers'));
const answersOnly: Rule = (value, draft) => {
  if (flagOf(value) === true) draft.set('dataset.loss', 'answers');
};

export const TRAINING: Rules = {
  per_device_train_batch_size: number('training.microBatch'),
  gradient_accumulation_steps: number('training.accumulation'),
  learning_rate: number('training.learningRate'),
  max_steps: steps,
  num_train_epochs: leave(EPOCHS),
  lr_scheduler_type: schedule,
  warmup_steps: number('training.warmupSteps'),
  warmup_ratio: warmupRatio,
  weight_decay: number('training.weightDecay'),
  adam_beta1: number('training.adamBeta1'),
  adam_beta2: number('training.adamBeta2'),
  adam_epsilon: number('training.adamEpsilon'),
  max_grad_norm: number('training.maxGradNorm', (norm) => (norm === 0 ? null : norm)),
  optim: optimizer,
  gradient_checkpointing: flag('training.checkpointing'),
  logging_steps: number('training.logEvery'),
  save_steps: number('training.checkpointEvery'),
  seed: number('matrix.seed', (seed) => [seed]),
  bf16: whenOn(({ numerics }) => (numerics.autocast = 'bf16')),
  fp16: whenOn(({ numerics }) => (numerics.autocast = 'fp16')),
  tf32: whenOn(({ numerics }) => (numerics.tf32 = true)),
  per_device_eval_batch_size: number('evaluation.microBatch'),
  val_size: fraction,
  val_set_size: fraction,
  run_name: text('name'),
  ...named(OWN_PLACE, [
    ...['output_dir', 'overwrite_output_dir', 'logging_dir', 'save_strategy', 'save_total_limit', 'save_only_model'],
    ...['resume_from_checkpoint', 'load_best_model_at_end', 'metric_for_best_model', 'greater_is_better'],
  ]),
  ...named(NO_TRACKER, ['report_to', 'wandb_project', 'wandb_entity', 'wandb_watch', 'wandb_name', 'wandb_log_model']),
  ...named(ONE_MACHINE, [
    'deepspeed',
    'fsdp',
    'fsdp_config',
    'ddp_timeout',
    'ddp_find_unused_parameters',
    'local_rank',
  ]),
  ...named(SPEED, [
    ...[
      'dataloader_num_workers',
      'dataloader_pin_memory',
      'preprocessing_num_workers',
      'torch_compile',
      'use_liger_kernel',
    ],
    ...['group_by_length', 'attn_implementation', 'flash_attn', 'flash_attention', 'use_cache', 'low_cpu_mem_usage'],
    ...['gradient_checkpointing_kwargs', 'dataset_num_proc', 'overwrite_cache'],
  ]),
  ...named('held-out data are scored before training and at its end', [
    'eval_strategy',
    'evaluation_strategy',
    'eval_steps',
    'eval_on_start',
  ]),
  ...named('a trial is always trained and scored', ['do_train', 'do_eval', 'do_predict']),
  push_to_hub: unlessOff('nothing leaves the machine'),
  hub_model_id: leave('nothing leaves the machine'),
  trust_remote_code: unlessOff('code of a model is never run'),
  neftune_noise_alpha: leave('Lamina adds no noise to embeddings'),
};

export const ADAPTERS: Rules = {
  lora_r: number('lora.r'),
  lora_rank: number('lora.r'),
  lora_alpha: number('lora.alpha'),
  lora_dropout: number('lora.dropout'),
  lora_target_modules: loraTargets,
  lora_target: loraTargets,
  use_rslora: flag('lora.rslora'),
  use_dora: unlessOff('Lamina has no DoRA'),
  lora_modules_to_save: leave('Lamina trains adapters alone, and no further modules in full'),
  load_in_4bit: whenOn(({ numerics }) => (numerics.bits = 4)),
  load_in_8bit: whenOn(({ numerics }) => (numerics.bits = 8)),
  bnb_4bit_quant_type: numeric(({ numerics }, value) => (numerics.quantType = value === 'fp4' ? 'fp4' : 'nf4')),
  bnb_4bit_use_double_quant: whenOn(({ numerics }) => (numerics.doubleQuant = true)),
  use_bnb_nested_quant: whenOn(({ numerics }) => (numerics.doubleQuant = true)),
  bnb_4bit_compute_dtype: (value, draft, key) => {
    const known = DTYPES[String(value).toLowerCase() as keyof typeof DTYPES];
    if (known === undefined) draft.leave(key, `${shown(value)} is no dtype that Lamina computes in`);
    else draft.set('quantization.computeDtype', known);
  },
};

export const LOSS: Rules = {
  completion_only_loss: answersOnly,
  assistant_only_loss: answersOnly,
  train_on_prompt: countsPrompts,
  train_on_inputs: countsPrompts,
};

export function named(why: string, keys: readonly string[]): Rules {
  return Object.fromEntries(keys.map((key) => [key, leave(why)]));
}

/** What the keys say together: precision, method, autocast and warm-up. */
export function settle(draft: Draft): void {
  const { method, bits, quantType, doubleQuant, dtype: stored, autocast, tf32, warmupRatio: ratio } = draft.numerics;
  if (bits !== null) {
    draft.set('matrix.method', ['qlora']);
    draft.set('matrix.precision', [bits === 8 ? 'int8' : doubleQuant ? `${quantType}-dq` : quantType]);
    if (autocast !== null && draft.get('quantization.computeDtype') === undefined) {
      draft.set('quantization.computeDtype', autocast);
    }
  } else {
    if (method !== null) draft.set('matrix.method', [method]);
    // Full training in mixed precision keeps weights in fp32; adapters are trained over weights in 16 bits.
    const mixed = stored ?? (method === 'full' && autocast !== null ? 'fp32' : autocast);
    const precision = mixed === 'fp32' && tf32 && autocast === null ? 'tf32' : mixed;
    if (precision !== null) draft.set('matrix.precision', [precision]);
    if (autocast !== null && precision === 'fp32') draft.set('training.mixedPrecision', autocast);
  }
  if (ratio !== null && ratio > 0) {
    const count = draft.get('training.steps');
    if (typeof count === 'number') draft.set('training.warmupSteps', Math.round(ratio * count));
    else
      draft.leave('warmup_ratio', 'a share of an unknown number of steps: set training.steps and training.warmupSteps');
  }
}
