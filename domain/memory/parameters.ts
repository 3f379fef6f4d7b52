/** Exact parameter counts. Sources: `modeling_<family>.py` of transformers 5; checked against the models' own counts. */
import type { ModelShape } from './shape.ts';

/** A linear layer of the decoder, by the name that `lora.targets` uses. */
export interface Linear {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
  /** Layers with the same source read the same tensor. */
  readonly source: 'attention-norm' | 'attention-output' | 'mlp-norm' | 'mlp-product';
}

/** Linear layers of one decoder layer, in the order they are used. */
export function decoderLinears(shape: ModelShape): readonly Linear[] {
  const { hidden, intermediate, attentionBias, mlpBias } = shape;
  const q = shape.heads * shape.headDim;
  const kv = shape.keyValueHeads * shape.headDim;
  const projection = (name: string, outputs: number): Linear => ({
    name,
    inputs: hidden,
    outputs,
    bias: attentionBias,
    source: 'attention-norm',
  });
  const output = (name: string, bias: boolean): Linear => ({
    name,
    inputs: q,
    outputs: hidden,
    bias,
    source: 'attention-output',
  });
  const up = (name: string, outputs: number): Linear => ({
    name,
    inputs: hidden,
    outputs,
    bias: mlpBias,
    source: shape.family === 'phi' ? 'attention-norm' : 'mlp-norm',
  });
  const down = (name: string): Linear => ({
    name,
    inputs: intermediate,
    outputs: hidden,
    bias: mlpBias,
    source: 'mlp-product',
  });
  switch (shape.family) {
    case 'phi':
      return [
        projection('q_proj', q),
        projection('k_proj', kv),
        projection('v_proj', kv),
        output('dense', true),
        up('fc1', intermediate),
        down('fc2'),
      ];
    case 'phi3':
      return [
        projection('qkv_proj', q + 2 * kv),
        output('o_proj', false),
        up('gate_up_proj', 2 * intermediate),
        down('down_proj'),
      ];
    default:
      return [
        projection('q_proj', q),
        projection('k_proj', kv),
        projection('v_proj', kv),
        // Qwen 2 has biases on q, k and v alone.
        output('o_proj', shape.family === 'qwen2' ? false : attentionBias),
        up('gate_proj', intermediate),
        up('up_proj', intermediate),
        down('down_proj'),
      ];
  }
}

export interface ParameterCounts {
  /** Weight matrices of the decoder's linear layers: what k-bit precisions quantize. */
  readonly linear: number;
  /** Parameters of one decoder layer. */
  readonly layer: number;
  readonly norms: number;
  readonly biases: number;
  readonly embedding: number;
  /** Zero where it is tied to the embedding. */
  readonly head: number;
  /** Without what a model has besides its text decoder. */
  readonly total: number;
  /** The largest linear layer of the decoder. */
  readonly largestLinear: number;
}

/** Parameters of a model cut to `layers` decoder layers. */
export function countParameters(shape: ModelShape, layers = shape.layers): ParameterCounts {
  const linears = decoderLinears(shape);
  const size = ({ inputs, outputs }: Linear) => inputs * outputs;
  const linear = sum(linears.map(size));
  const biases = sum(linears.map(({ bias, outputs }) => (bias ? outputs : 0)));
  const norms = normParameters(shape);
  const layer = linear + biases + norms;
  const embedding = shape.vocabulary * shape.hidden;
  const finalNorm = shape.family === 'phi' ? 2 * shape.hidden : shape.hidden;
  // Phi 1 to 2 have a bias on the head as well.
  const headBias = shape.family === 'phi' ? shape.vocabulary : 0;
  const head = shape.tied ? 0 : embedding;
  return {
    linear: linear * layers,
    layer,
    norms: norms * layers + finalNorm,
    biases: biases * layers + headBias,
    embedding,
    head,
    total: layer * layers + finalNorm + headBias + embedding + head,
    largestLinear: Math.max(...linears.map(size)),
  };
}

function normParameters({ family, hidden, headDim }: ModelShape): number {
  switch (family) {
    case 'phi':
      return 2 * hidden;
    case 'qwen3':
      return 2 * hidden + 2 * headDim;
    case 'gemma2':
      return 4 * hidden;
    case 'gemma3':
      return 4 * hidden + 2 * headDim;
    default:
      return 2 * hidden;
  }
}

/** Parameters of LoRA of rank `rank` (arXiv 2106.09685): rank × (inputs + outputs) for each layer that has one. */
export function adapterParameters(
  shape: ModelShape,
  rank: number,
  targets: 'all-linear' | readonly string[],
  layers = shape.layers,
): number {
  return layers * sum(adaptedLinears(shape, targets).map(({ inputs, outputs }) => rank * (inputs + outputs)));
}

export function adaptedLinears(shape: ModelShape, targets: 'all-linear' | readonly string[]): readonly Linear[] {
  const linears = decoderLinears(shape);
  return targets === 'all-linear'
    ? linears
    : linears.filter(({ name }) => targets.some((target) => isNamed(name, target)));
}

/** As PEFT matches: the name, or a path that ends with it. */
function isNamed(name: string, target: string): boolean {
  return target === name || target.endsWith(`.${name}`);
}

/** Layers outside the decoder that adapters may be put on; their memory is not counted. */
const OUTSIDE = ['lm_head', 'embed_tokens', 'embed_out'];

/** Why adapters on these targets would train nothing; null where they train something. */
export function targetsProblem(shape: ModelShape, targets: 'all-linear' | readonly string[]): string | null {
  if (targets === 'all-linear' || adaptedLinears(shape, targets).length > 0) return null;
  if (targets.some((target) => OUTSIDE.includes(target.split('.').at(-1) ?? ''))) return null;
  const names = decoderLinears(shape).map(({ name }) => name);
  return `name no linear layer of a ${shape.family} model (${targets.join(', ')}): nothing would be trained; there are ${names.join(', ')}`;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
