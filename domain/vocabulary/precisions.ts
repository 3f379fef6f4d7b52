/**
 * What each precision is, what it costs and what it needs of a device: the one place that says so. The document and
 * the contract take their names and order from here, the matrix is judged by it, memory is estimated from it, the
 * trainer reads the same table (`capabilities.json`), and docs/precisions.md is written from it.
 */

interface PrecisionFacts {
  /** What holds the weights. */
  readonly library: 'PyTorch' | 'bitsandbytes' | 'torchao' | 'checkpoint';
  /** What one weight is stored as, for people. */
  readonly stored: string;
  /**
   * Bits of one weight of the decoder's linear layers, with its share of what several weights have in common. Exact
   * for the formats of libraries; a checkpoint may have groups of another size.
   */
  readonly bits: number;
  /** Bits that each row of such a weight keeps besides. */
  readonly rowBits: number;
  /** The dtype of everything that is not quantized; `auto` computes in it, where the device is fast in it. */
  readonly dtype: 'fp32' | 'bf16' | 'fp16';
  /** The precision that it becomes with double quantization. Null: it has no constants that could be quantized. */
  readonly doubled: string | null;
  /** Weights of a row that share constants: inputs of a layer must be a multiple of it. Null: no such rule. */
  readonly group: number | null;
  /** Null: works on every CPU. Else why not, and what to use. */
  readonly cpu: string | null;
  /** Least compute capability of an NVIDIA GPU; null: any that PyTorch runs on. */
  readonly computeCapability: string | null;
  /** The base must be stored like this already: the `quant_method` of its config.json. */
  readonly checkpoint: string | null;
}

const ANYWHERE = {
  group: null,
  cpu: null,
  computeCapability: null,
  checkpoint: null,
  rowBits: 0,
  doubled: null,
} as const;
const FLOAT32 = { ...ANYWHERE, library: 'PyTorch', bits: 32, dtype: 'fp32' } as const;
const FLOAT16 = { ...ANYWHERE, library: 'PyTorch', bits: 16 } as const;
const BITSANDBYTES = { ...ANYWHERE, library: 'bitsandbytes', computeCapability: '6.0', dtype: 'bf16' } as const;
const TORCHAO = { ...ANYWHERE, library: 'torchao', dtype: 'bf16' } as const;

/** 8 bits with an fp32 scale for each row (arXiv 2208.07339; torchao `Int8Tensor`, `Float8Tensor`). */
const BY_ROW = { bits: 8, rowBits: 32 } as const;
/** 4 bits, and an fp32 scale for 64 weights (arXiv 2305.14314, section 3). */
const BLOCKS = { bits: 4 + 32 / 64 } as const;
/** The same with scales of 8 bits, of which 256 share one fp32 constant (bitsandbytes `quantize_4bit`). */
const NESTED_BLOCKS = { bits: 4 + 8 / 64 + 32 / (64 * 256) } as const;
/** 4 bits, and a 16-bit scale and offset for 64 weights (torchao's tinygemm and HQQ parameters). */
const GROUPS = { bits: 4 + 32 / 64, group: 64 } as const;
/** Groups of 128 are what most published checkpoints have: a 16-bit scale, and a zero that the trainer keeps in a byte. */
const CHECKPOINT = {
  ...ANYWHERE,
  library: 'checkpoint',
  stored: '4-bit integer, scale and zero of each group, as in the checkpoint',
  bits: 4 + 24 / 128,
  dtype: 'bf16',
} as const;

/** The order is that of every list of precisions: the document's reference, the comparison, plots and their legends. */
const FACTS = {
  fp32: { ...FLOAT32, stored: '32-bit float' },
  tf32: {
    ...FLOAT32,
    stored: '32-bit float, multiplied in TF32',
    cpu: 'tf32 is a mode of NVIDIA GPUs of the Ampere generation and later, and this device is a CPU: use fp32',
    computeCapability: '8.0',
  },
  bf16: { ...FLOAT16, stored: '16-bit float (bfloat16)', dtype: 'bf16' },
  fp16: { ...FLOAT16, stored: '16-bit float (half)', dtype: 'fp16' },
  fp8: { ...TORCHAO, ...BY_ROW, stored: '8-bit float (e4m3), an fp32 scale for each row' },
  int8: {
    ...BITSANDBYTES,
    ...BY_ROW,
    stored: '8-bit integer, an fp32 scale for each row (LLM.int8: activations too)',
    computeCapability: '7.5',
  },
  'int8-wo': { ...TORCHAO, ...BY_ROW, stored: '8-bit integer, an fp32 scale for each row (weights only)' },
  'int4-wo': { ...TORCHAO, ...GROUPS, stored: '4-bit integer, 16-bit scale and offset for 64 weights (min-max)' },
  'int4-hqq': { ...TORCHAO, ...GROUPS, stored: '4-bit integer, 16-bit scale and offset for 64 weights (HQQ)' },
  mxfp4: {
    ...TORCHAO,
    stored: '4-bit float (e2m1), a power of two for 32 weights (OCP Microscaling)',
    bits: 4 + 8 / 32,
    group: 32,
  },
  nf4: { ...BITSANDBYTES, ...BLOCKS, stored: '4-bit NormalFloat, an fp32 scale for 64 weights', doubled: 'nf4-dq' },
  'nf4-dq': { ...BITSANDBYTES, ...NESTED_BLOCKS, stored: '4-bit NormalFloat, an 8-bit scale for 64 weights' },
  fp4: { ...BITSANDBYTES, ...BLOCKS, stored: '4-bit float (e2m1), an fp32 scale for 64 weights', doubled: 'fp4-dq' },
  'fp4-dq': { ...BITSANDBYTES, ...NESTED_BLOCKS, stored: '4-bit float (e2m1), an 8-bit scale for 64 weights' },
  gptq: { ...CHECKPOINT, checkpoint: 'gptq' },
  awq: { ...CHECKPOINT, checkpoint: 'awq' },
} as const satisfies Readonly<Record<string, PrecisionFacts>>;

/** How the base weights are *stored*; the dtype they are multiplied in is the compute dtype. */
export type Precision = keyof typeof FACTS;

export const PRECISIONS = Object.keys(FACTS) as unknown as readonly [Precision, ...Precision[]];

export function precisionFacts(precision: Precision): PrecisionFacts {
  return FACTS[precision];
}

/** Whether adapters alone can be trained over weights stored like this. */
export function isQuantized(precision: Precision): boolean {
  return FACTS[precision].library !== 'PyTorch';
}

/** Precisions that double quantization changes, each with what it becomes. */
export const DOUBLE_QUANTIZED: ReadonlyMap<Precision, Precision> = new Map(
  PRECISIONS.flatMap((precision) => {
    const doubled = PRECISIONS.find((each) => each === FACTS[precision].doubled);
    return doubled === undefined ? [] : [[precision, doubled] as const];
  }),
);

/** What multiplies 16-bit numbers at least as fast as fp32: one of these features of a CPU, or this capability of a GPU. */
export const FAST_16_BIT = {
  cpuFeatures: ['avx512_bf16', 'amx_bf16', 'bf16'],
  computeCapability: '8.0',
} as const;

/** Why a GPU cannot have a precision; null where it can. */
export function gpuLack(precision: Precision, name: string, computeCapability: string): string | null {
  const needed = precisionFacts(precision).computeCapability;
  if (needed === null || Number(computeCapability) >= Number(needed)) return null;
  return `${precision} needs compute capability ${needed}; ${name} has ${computeCapability}`;
}

/** Why a model that is stored in `checkpoint` (null: not quantized) cannot be had in a precision; null where it can. */
export function checkpointLack(precision: Precision, model: string, checkpoint: string | null): string | null {
  const wanted = precisionFacts(precision).checkpoint;
  if (wanted === checkpoint) return null;
  if (checkpoint === null)
    return `${precision} is a format of checkpoints, and ${model} is not stored in it: name a model that is, or choose a precision that quantizes`;
  const readable = PRECISIONS.some((each) => precisionFacts(each).checkpoint === checkpoint);
  return readable
    ? `${model} is a ${checkpoint} checkpoint and cannot be had as ${precision}: use precision ${checkpoint}, or name the model that it was made of`
    : `${model} is quantized already (${checkpoint}), which cannot be trained over: name the model that it was made of`;
}
