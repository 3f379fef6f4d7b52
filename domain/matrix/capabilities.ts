/**
 * What each precision is, and what it needs of a device: the one place that says so. The matrix is judged by it, the
 * trainer reads the same table (`capabilities.json`), and docs/precisions.md is written from it.
 */
import { isQuantized, PRECISIONS, type Precision } from '../spec/vocabulary.ts';

interface PrecisionFacts {
  /** What holds the weights. */
  readonly library: 'PyTorch' | 'bitsandbytes' | 'torchao' | 'checkpoint';
  /** What one weight is stored as, for people. */
  readonly stored: string;
  /** Weights of a row that share constants: inputs of a layer must be a multiple of it. Null: no such rule. */
  readonly group: number | null;
  /** Null: works on every CPU. Else why not, and what to use. */
  readonly cpu: string | null;
  /** Least compute capability of an NVIDIA GPU; null: any that PyTorch runs on. */
  readonly computeCapability: string | null;
  /** The base must be stored like this already: the `quant_method` of its config.json. */
  readonly checkpoint: string | null;
}

const ANYWHERE = { group: null, cpu: null, computeCapability: null, checkpoint: null } as const;
const PLAIN = { ...ANYWHERE, library: 'PyTorch' } as const;
const BITSANDBYTES = { ...ANYWHERE, library: 'bitsandbytes', computeCapability: '6.0' } as const;
const TORCHAO = { ...ANYWHERE, library: 'torchao' } as const;
const CHECKPOINT = {
  ...ANYWHERE,
  library: 'checkpoint',
  stored: '4-bit integer, scale and zero of each group, as in the checkpoint',
} as const;

export const CAPABILITIES: Readonly<Record<Precision, PrecisionFacts>> = {
  fp32: { ...PLAIN, stored: '32-bit float' },
  tf32: {
    ...PLAIN,
    stored: '32-bit float, multiplied in TF32',
    cpu: 'tf32 is a mode of NVIDIA GPUs of the Ampere generation and later, and this device is a CPU: use fp32',
    computeCapability: '8.0',
  },
  bf16: { ...PLAIN, stored: '16-bit float (bfloat16)' },
  fp16: { ...PLAIN, stored: '16-bit float (half)' },
  fp8: { ...TORCHAO, stored: '8-bit float (e4m3), an fp32 scale for each row' },
  int8: {
    ...BITSANDBYTES,
    stored: '8-bit integer, an fp32 scale for each row (LLM.int8: activations too)',
    computeCapability: '7.5',
  },
  'int8-wo': { ...TORCHAO, stored: '8-bit integer, an fp32 scale for each row (weights only)' },
  'int4-wo': { ...TORCHAO, stored: '4-bit integer, 16-bit scale and offset for 64 weights (min-max)', group: 64 },
  'int4-hqq': { ...TORCHAO, stored: '4-bit integer, 16-bit scale and offset for 64 weights (HQQ)', group: 64 },
  nf4: { ...BITSANDBYTES, stored: '4-bit NormalFloat, an fp32 scale for 64 weights' },
  'nf4-dq': { ...BITSANDBYTES, stored: '4-bit NormalFloat, an 8-bit scale for 64 weights' },
  fp4: { ...BITSANDBYTES, stored: '4-bit float (e2m1), an fp32 scale for 64 weights' },
  'fp4-dq': { ...BITSANDBYTES, stored: '4-bit float (e2m1), an 8-bit scale for 64 weights' },
  gptq: { ...CHECKPOINT, checkpoint: 'gptq' },
  awq: { ...CHECKPOINT, checkpoint: 'awq' },
};

/** What multiplies 16-bit numbers at least as fast as fp32: one of these features of a CPU, or this capability of a GPU. */
export const FAST_16_BIT = {
  cpuFeatures: ['avx512_bf16', 'amx_bf16', 'bf16'],
  computeCapability: '8.0',
} as const;

/** Why a GPU cannot have a precision; null where it can. */
export function gpuLack(precision: Precision, name: string, computeCapability: string): string | null {
  const needed = CAPABILITIES[precision].computeCapability;
  if (needed === null || Number(computeCapability) >= Number(needed)) return null;
  return `${precision} needs compute capability ${needed}; ${name} has ${computeCapability}`;
}

/** Why a model that is stored in `checkpoint` (null: not quantized) cannot be had in a precision; null where it can. */
export function checkpointLack(precision: Precision, model: string, checkpoint: string | null): string | null {
  const wanted = CAPABILITIES[precision].checkpoint;
  if (wanted === checkpoint) return null;
  if (checkpoint === null)
    return `${precision} is a format of checkpoints, and ${model} is not stored in it: name a model that is, or choose a precision that quantizes`;
  const readable = PRECISIONS.some((each) => CAPABILITIES[each].checkpoint === checkpoint);
  return readable
    ? `${model} is a ${checkpoint} checkpoint and cannot be had as ${precision}: use precision ${checkpoint}, or name the model that it was made of`
    : `${model} is quantized already (${checkpoint}), which cannot be trained over: name the model that it was made of`;
}

/** The table as the trainer reads it. */
export function capabilityTable() {
  const precisions = PRECISIONS.map((precision) => [
    precision,
    { quantized: isQuantized(precision), ...CAPABILITIES[precision] },
  ]);
  return { precisions: Object.fromEntries(precisions), fast16Bit: FAST_16_BIT };
}

/** For `docs/precisions.md`. */
export function precisionTables(): Readonly<Record<string, string>> {
  const rows = PRECISIONS.map((precision) => {
    const { stored, library, cpu, computeCapability, group, checkpoint } = CAPABILITIES[precision];
    const needs = [
      group === null ? [] : [`inputs of a layer: a multiple of ${group}`],
      checkpoint === null ? [] : [`a base with \`quant_method: ${checkpoint}\``],
    ].flat();
    return [
      `\`${precision}\``,
      stored,
      isQuantized(precision) ? '`qlora`' : '`full`, `lora`',
      library,
      cpu === null ? 'yes' : 'no',
      computeCapability === null ? 'any' : `${computeCapability} and later`,
      needs.join('; ') || '–',
    ];
  });
  const head = ['precision', 'a weight is stored as', 'methods', 'held by', 'CPU', 'NVIDIA GPU', 'needs'];
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return { precisions: [...lines, ''].join('\n') };
}
