/**
 * Published measurements that the estimator is held against. Facts of the sources; what a source leaves open is in
 * `assumed`. Bytes; figures that were printed in GB or GiB are converted.
 */
import type { MemorySettings } from '../settings.ts';
import { ATTENTION, adapters, type Publication, QV, rows } from './publication.ts';
import { FMS } from './published-fms.ts';
import { SWIFT } from './published-swift.ts';

const PEFT = rows(
  'huggingface/peft, method_comparison/MetaMathQA (L40S, torch 2.13, transformers 5.13)',
  'meta-llama/Llama-3.2-3B',
  { microBatch: 4, longest: 768, mean: 210, foreach: true },
  [
    { id: 'peft-full-steady', measuredBytes: 26_065_064_344, counter: 'allocated', when: 'steady', settings: {} },
    { id: 'peft-full-max', measuredBytes: 38_868_615_168, counter: 'reserved', when: 'peak', settings: {} },
    {
      id: 'peft-lora32-steady',
      measuredBytes: 6_923_913_468,
      counter: 'allocated',
      when: 'steady',
      settings: adapters(32, QV, 4),
    },
    {
      id: 'peft-lora32-max',
      measuredBytes: 22_292_725_760,
      counter: 'reserved',
      when: 'peak',
      settings: adapters(32, QV, 4),
    },
    {
      id: 'peft-lora64-steady',
      measuredBytes: 7_070_709_553,
      counter: 'allocated',
      when: 'steady',
      settings: adapters(64, QV, 4),
    },
    {
      id: 'peft-lora64-max',
      measuredBytes: 22_552_772_608,
      counter: 'reserved',
      when: 'peak',
      settings: adapters(64, QV, 4),
    },
  ],
);

const LLAMA_FACTORY = rows(
  'hiyouga/LLaMA-Factory wiki, performance comparison (A100 40 GB)',
  'meta-llama/Llama-2-7b',
  {
    ...adapters(8, 'all-linear', 4),
    method: 'qlora',
    precision: 'nf4-dq',
    accumulation: 4,
    checkpointing: true,
    attention: 'flash',
    attentionMask: false,
  },
  (
    [
      [1024, 6e9],
      [2048, 7e9],
      [4096, 9e9],
      [8192, 12e9],
      [16_384, 19e9],
      [32_768, 32e9],
    ] as const
  ).map(([longest, measuredBytes]) => ({
    id: `llamafactory-${longest}`,
    measuredBytes,
    counter: 'process' as const,
    when: 'peak' as const,
    settings: { longest },
    assumed: 'double quantization, the tool’s default; whole GB as printed',
  })),
);

const README = 'pytorch/torchtune README, memory and training speed (packed to 2048, compiled)';
const TORCHTUNE_8B = rows(
  README,
  'meta-llama/Llama-3.1-8B',
  { microBatch: 2, longest: 2048, checkpointing: true, compile: true, logits: 'chunked' },
  [
    {
      id: 'torchtune-8b-full',
      measuredBytes: 20_293_720_473,
      counter: 'reserved',
      when: 'peak',
      settings: { optimizer: 'paged-adamw-8bit', optimizerInBackward: true },
      assumed: 'chunked loss, the recipe’s default',
    },
    {
      id: 'torchtune-8b-lora',
      measuredBytes: 17_394_617_548,
      counter: 'reserved',
      when: 'peak',
      settings: adapters(8, [...ATTENTION], 2),
      assumed: 'rank 8 on the attention, chunked loss: the recipe’s defaults',
    },
    {
      id: 'torchtune-8b-qlora',
      measuredBytes: 7_945_689_497,
      counter: 'reserved',
      when: 'peak',
      settings: { ...adapters(8, 'all-linear', 2), method: 'qlora', precision: 'nf4-dq' },
      assumed: 'rank 8 on all linear layers, chunked loss: the recipe’s defaults',
    },
    {
      id: 'torchtune-8b-full-a6000',
      measuredBytes: 40_157_944_218,
      counter: 'reserved',
      when: 'peak',
      settings: { checkpointing: false, optimizer: 'paged-adamw-8bit', optimizerInBackward: true },
      assumed: 'no checkpointing, for which this card has room',
    },
    {
      id: 'torchtune-8b-lora-a6000',
      measuredBytes: 32_534_377_267,
      counter: 'reserved',
      when: 'peak',
      settings: { ...adapters(8, [...ATTENTION], 2), checkpointing: false },
      assumed: 'no checkpointing, for which this card has room; rank 8 on the attention',
    },
  ],
);

const TORCHTUNE_70B = rows(
  README,
  'meta-llama/Llama-3.1-70B',
  { microBatch: 2, longest: 2048, checkpointing: true, compile: true, logits: 'chunked', shards: 8 },
  [
    {
      id: 'torchtune-70b-lora-8-gpus',
      measuredBytes: 29_635_274_342,
      counter: 'reserved',
      when: 'peak',
      settings: adapters(16, [...ATTENTION], 2),
      assumed: 'rank 16 on the attention, FSDP over the eight GPUs: the recipe’s defaults',
    },
  ],
);

const LADDER_STEPS: readonly (readonly [string, number, Partial<MemorySettings>])[] = [
  ['packed', 64_424_509_440, {}],
  ['compile', 54_760_833_024, { compile: true }],
  ['chunked-ce', 46_063_524_249, { logits: 'chunked' }],
  ['checkpointing', 26_736_171_417, { checkpointing: true }],
  ['optimizer-in-backward', 24_803_436_134, { optimizerInBackward: true }],
  ['activation-offload', 23_407_571_763, { activationOffload: true }],
];
const LADDER = 'pytorch/torchtune README, ladder of optimizations (A100, peak active)';
const UNKNOWN_LENGTH = 'the longest pair of samples is not stated';

const TORCHTUNE_3B = rows(LADDER, 'meta-llama/Llama-3.2-3B', { microBatch: 2, longest: 4096 }, [
  {
    id: 'torchtune-3b-base',
    measuredBytes: 27_380_416_512,
    counter: 'allocated',
    when: 'peak',
    settings: { longest: 711 },
    assumed: 'the longest sample has 711 tokens, which this very row suggests',
    notJudged: UNKNOWN_LENGTH,
  },
  ...LADDER_STEPS.map(([step, measuredBytes], index) => ({
    id: `torchtune-3b-${step}`,
    measuredBytes,
    counter: 'allocated' as const,
    when: 'peak' as const,
    settings: Object.assign({}, ...LADDER_STEPS.slice(0, index + 1).map(([, , settings]) => settings)),
  })),
  {
    id: 'torchtune-3b-adamw8bit',
    measuredBytes: 18_897_856_102,
    counter: 'allocated',
    when: 'peak',
    settings: {
      compile: true,
      logits: 'chunked',
      checkpointing: true,
      activationOffload: true,
      optimizer: 'adamw-8bit',
    },
  },
]);

const TUTORIAL_ASSUMED = '820 tokens in the longest sample: those 711 with Llama 2’s coarser tokenizer';
const TORCHTUNE_7B = rows(
  'pytorch/torchtune tutorials (Llama 2 7B, batch 2, Alpaca)',
  'meta-llama/Llama-2-7b',
  { microBatch: 2, longest: 820, checkpointing: true },
  [
    ...(
      [
        ['qv-r8', 15.57e9, adapters(8, QV, 2)],
        ['all-r8', 15.87e9, adapters(8, ATTENTION, 2)],
        ['qv-r64', 15.86e9, adapters(64, QV, 2)],
        ['all-r64', 17.04e9, adapters(64, ATTENTION, 2)],
      ] as const
    ).map(([id, measuredBytes, settings]) => ({
      id: `torchtune-7b-lora-${id}`,
      measuredBytes,
      counter: 'reserved' as const,
      when: 'peak' as const,
      settings,
      assumed: TUTORIAL_ASSUMED,
      notJudged: UNKNOWN_LENGTH,
    })),
    {
      id: 'torchtune-7b-qlora',
      measuredBytes: 9.29e9,
      counter: 'reserved',
      when: 'peak',
      settings: { ...adapters(8, 'all-linear', 2), method: 'qlora', precision: 'nf4-dq' },
      assumed: TUTORIAL_ASSUMED,
      notJudged: 'quantizing on the card, before training, reserved 9.13 GB of it',
    },
  ],
);

export const PUBLISHED: readonly Publication[] = [
  ...FMS,
  ...SWIFT,
  ...PEFT,
  ...LLAMA_FACTORY,
  ...TORCHTUNE_8B,
  ...TORCHTUNE_70B,
  ...TORCHTUNE_3B,
  ...TORCHTUNE_7B,
];
