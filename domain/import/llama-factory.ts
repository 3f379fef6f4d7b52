/** LLaMA-Factory: one flat YAML file. Data sets are named by their entry in dataset_info.json. */
import { ADAPTERS, dtype, LOSS, named, settle, TRAINING } from './huggingface.ts';
import { flag, leave, listOf, number, numberOf, type Rule, type Rules, text, unlessOff } from './rules.ts';
import type { Source } from './source.ts';

const stage: Rule = (value, draft, key) => {
  if (value !== 'sft' && value !== 'pt')
    draft.leave(key, `Lamina trains on texts and answers; it has no ${String(value)}`);
};

const finetuning: Rule = (value, draft, key) => {
  if (value === 'full' || value === 'lora') draft.numerics.method = value;
  else draft.leave(key, `Lamina trains in full or with LoRA; it has no ${String(value)}`);
};

const quantizationBits: Rule = (value, draft, key) => {
  const bits = numberOf(value);
  if (bits === 4 || bits === 8) draft.numerics.bits = bits;
  else draft.leave(key, 'bases are quantized to 4 or 8 bits');
};

const dataset: Rule = (value, draft, key) => {
  const [first = '', ...others] = listOf(value);
  const isFile = /\.(jsonl|txt)$/.test(first);
  draft.set('dataset', {
    source: 'file',
    path: isFile ? first : `./data/${first}.jsonl`,
    format: first.endsWith('.txt') ? 'text' : 'jsonl',
  });
  if (!isFile) {
    draft.leave(
      key,
      `"${first}" is an entry of dataset_info.json: ./data/${first}.jsonl stands in its place, one record a line`,
    );
  }
  if (others.length > 0) draft.leave(key, `an experiment has one dataset: ${others.join(', ')} stay out`);
};

const RULES: Rules = {
  ...TRAINING,
  ...ADAPTERS,
  ...LOSS,
  model_name_or_path: text('model'),
  stage,
  finetuning_type: finetuning,
  quantization_bit: quantizationBits,
  quantization_type: ADAPTERS.bnb_4bit_quant_type as Rule,
  double_quantization: ADAPTERS.bnb_4bit_use_double_quant as Rule,
  quantization_method: leave('bases are quantized by the library of their precision'),
  infer_dtype: leave('the matrix names the precision'),
  pure_bf16: (value, draft, key) => dtype(value === true ? 'bf16' : 'auto', draft, key),
  dataset,
  cutoff_len: number('training.maxLength'),
  packing: flag('training.packing'),
  neat_packing: unlessOff('conversations in one block see each other'),
  template: leave("conversations are rendered by the tokenizer's chat template, or by dataset.chatTemplate"),
  max_samples: leave('all records of the file are used: cut the file'),
  disable_gradient_checkpointing: flag('training.checkpointing', (off) => !off),
  ...named('data are read from dataset.path', ['dataset_dir', 'tokenized_path', 'streaming', 'media_dir']),
  ...named('the loss is in the comparison', ['plot_loss']),
};

export const llamaFactory: Source = {
  name: 'llama-factory',
  title: 'LLaMA-Factory',
  looks: (input) => 'model_name_or_path' in input && ('finetuning_type' in input || 'stage' in input),
  read(input, draft, apply) {
    // Where the file says nothing, LLaMA-Factory's own defaults hold: padding, and checkpointing of activations.
    draft.set('training.packing', false);
    draft.set('training.checkpointing', true);
    apply(RULES, input);
    settle(draft);
  },
};
