/** TRL: the arguments of its SFT script, as a YAML file (`trl sft --config`) or as flags of a command. */
import { isTree } from './draft.ts';
import { ADAPTERS, dtype, LOSS, settle, TRAINING } from './huggingface.ts';
import { flag, flagOf, leave, number, type Rule, type Rules, text } from './rules.ts';
import type { Source } from './source.ts';

const dataset: Rule = (value, draft) => {
  const name = String(value);
  const known = draft.get('dataset');
  const isFile = /\.(jsonl|txt)$/.test(name);
  const where = isFile
    ? { source: 'file', path: name, format: name.endsWith('.txt') ? 'text' : 'jsonl' }
    : { source: 'hf', id: name };
  draft.set('dataset', { ...where, ...(isTree(known) ? known : {}) });
};

export const SCRIPT: Rules = {
  ...TRAINING,
  ...ADAPTERS,
  ...LOSS,
  model_name_or_path: text('model'),
  model_revision: leave('name the revision in the model: {source: hf, id: …, revision: …}'),
  torch_dtype: dtype,
  dtype,
  use_peft: (value, { numerics }) => {
    numerics.method = flagOf(value) === false ? 'full' : 'lora';
  },
  dataset_name: dataset,
  dataset_config: text('dataset.config'),
  dataset_train_split: text('dataset.split'),
  dataset_test_split: leave('Lamina holds out a share of the records: set evaluation.fraction'),
  dataset_text_field: (value, draft) => draft.set('dataset.fields', { text: String(value) }),
  chat_template_path: leave('give the template itself as dataset.chatTemplate'),
  max_length: number('training.maxLength'),
  max_seq_length: number('training.maxLength'),
  packing: flag('training.packing'),
  lora_task_type: leave('models are trained to continue text'),
};

export const trl: Source = {
  name: 'trl',
  title: 'TRL',
  looks: (input) =>
    'model_name_or_path' in input && ('dataset_name' in input || 'per_device_train_batch_size' in input),
  read(input, draft, apply) {
    draft.numerics.method = 'full';
    draft.set('training.packing', false);
    apply(SCRIPT, input);
    settle(draft);
  },
};
