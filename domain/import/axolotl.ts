/** axolotl: one YAML file, with its data sets as a list. */
import { isTree } from './draft.ts';
import {
  ADAPTERS,
  countsPrompts,
  EPOCHS,
  loraTargets,
  named,
  optimizer,
  schedule,
  settle,
  TRAINING,
} from './huggingface.ts';
import { flag, flagOf, leave, number, type Rule, type Rules, text, unlessOff } from './rules.ts';
import type { Source } from './source.ts';

const adapter: Rule = (value, draft, key) => {
  if (value === 'lora' || value === 'qlora') draft.numerics.method = 'lora';
  else draft.leave(key, `Lamina has no adapters of the kind ${String(value)}`);
};

/** `auto` is true on every GPU that has it. */
const half =
  (dtype: 'bf16' | 'fp16'): Rule =>
  (value, { numerics }) => {
    if (value === 'full') numerics.dtype = dtype;
    else if (flagOf(value) !== false && !(value === 'auto' && dtype === 'fp16')) numerics.autocast = dtype;
  };

const datasets: Rule = (value, draft, key) => {
  const [first, ...others] = (Array.isArray(value) ? value : [value]).filter(isTree);
  if (first === undefined) return draft.leave(key, 'names no data set');
  for (const other of others) draft.leave(key, `an experiment has one dataset: ${String(other['path'])} stays out`);
  const file = [first['data_files'], first['path']]
    .flat()
    .map(String)
    .find((each) => /\.(jsonl|json|txt)$/.test(each));
  const where =
    file === undefined
      ? {
          source: 'hf',
          id: String(first['path']),
          ...(first['name'] == null ? {} : { config: String(first['name']) }),
          ...(first['split'] == null ? {} : { split: String(first['split']) }),
        }
      : { source: 'file', path: file, format: file.endsWith('.txt') ? 'text' : 'jsonl' };
  if (file?.endsWith('.json')) draft.leave(`${key}[0].data_files`, `${file} must have one record a line`);
  const kind = String(first['type'] ?? '');
  const fields = fieldsOf(kind, first);
  if (fields === null && kind !== '') {
    draft.leave(`${key}[0].type`, `records of "${kind}" are read by the columns of the first one: see dataset.fields`);
  }
  draft.set('dataset', { ...where, ...(fields === null ? {} : { fields }) });
};

/** Columns of axolotl's kinds of records; null where Lamina has no such shape. */
function fieldsOf(kind: string, given: Readonly<Record<string, unknown>>): object | null {
  if (kind === 'completion') return { text: String(given['field'] ?? 'text') };
  if (kind === 'sharegpt') return { messages: String(given['conversation_field'] ?? 'conversations') };
  if (kind === 'chat_template') return { messages: String(given['field_messages'] ?? 'messages') };
  return null;
}

const BASE: Rules = {
  ...TRAINING,
  ...ADAPTERS,
  base_model: text('model'),
  adapter,
  bf16: half('bf16'),
  fp16: half('fp16'),
  float16: half('fp16'),
  bfloat16: half('bf16'),
  datasets,
  sequence_len: number('training.maxLength'),
  sample_packing: flag('training.packing'),
  micro_batch_size: number('training.microBatch'),
  num_epochs: leave(EPOCHS),
  optimizer,
  lr_scheduler: schedule,
  adam_beta1: number('training.adamBeta1'),
  lora_target_linear: (value, draft, key) => {
    if (flagOf(value) === true) loraTargets('all-linear', draft, key);
  },
  peft_use_rslora: flag('lora.rslora'),
  train_on_inputs: countsPrompts,
  eval_sample_packing: leave('held-out data are always packed, so that all cells are scored on the same blocks'),
  eval_batch_size: number('evaluation.microBatch'),
  pad_to_sequence_len: leave('lengths follow from training.packing'),
  chat_template: leave("conversations are rendered by the tokenizer's chat template, or by dataset.chatTemplate"),
  chat_template_jinja: text('dataset.chatTemplate'),
  special_tokens: leave('the tokenizer of the model is used as it is'),
  tokens: leave('the tokenizer of the model is used as it is'),
  strict: leave('every weight of the model must be there'),
  ...named('the files of the model say it', [
    'model_type',
    'tokenizer_type',
    'tokenizer_config',
    'base_model_config',
    'is_llama_derived_model',
  ]),
  ...named('data are read from dataset.path', ['dataset_prepared_path', 'shuffle_merged_datasets', 'test_datasets']),
  ...named('held-out data are scored before training and at its end', [
    'evals_per_epoch',
    'eval_table_size',
    'eval_max_new_tokens',
  ]),
  ...named('set training.checkpointEvery', ['saves_per_epoch']),
  ...named('a matter of speed, which the trainer decides', [
    'xformers_attention',
    'sdp_attention',
    'lora_mlp_kernel',
    'lora_qkv_kernel',
    'lora_o_kernel',
    'plugins',
  ]),
  lora_model_dir: leave('trials begin with new adapters'),
  early_stopping_patience: leave('every cell does the same number of steps'),
  debug: unlessOff('see lamina logs'),
};

export const axolotl: Source = {
  name: 'axolotl',
  title: 'axolotl',
  looks: (input) => 'base_model' in input,
  read(input, draft, apply) {
    draft.numerics.method = 'full';
    draft.set('training.packing', false);
    apply(BASE, input);
    settle(draft);
  },
};
