/** How weights are trained. The order of the table is the order in which methods are listed everywhere. */
import { isQuantized, type Precision, precisionFacts } from './precisions.ts';

interface MethodFacts {
  /** Small matrices are trained next to weights that stay as they are. */
  readonly adapters: boolean;
  /** Whether the base that it trains, or trains over, is held in few bits. */
  readonly quantizedBase: boolean;
  /** What is to be chosen instead where the base is of the other kind. */
  readonly refusal: {
    readonly reason: 'full-needs-unquantized' | 'lora-needs-unquantized' | 'qlora-needs-quantized';
    readonly message: (precision: Precision) => string;
  };
}

export const METHODS = ['full', 'lora', 'qlora'] as const;
/** How weights are trained: all of them, adapters over an unquantized base, adapters over a k-bit base. */
export type Method = (typeof METHODS)[number];

const METHOD_FACTS: Readonly<Record<Method, MethodFacts>> = {
  full: {
    adapters: false,
    quantizedBase: false,
    refusal: {
      reason: 'full-needs-unquantized',
      message: (precision) =>
        `full training changes the weights themselves, and ${precision} weights cannot be trained; use qlora, or an unquantized precision`,
    },
  },
  lora: {
    adapters: true,
    quantizedBase: false,
    refusal: {
      reason: 'lora-needs-unquantized',
      message: (precision) =>
        `lora means adapters over unquantized weights; over ${precision} weights the method is qlora`,
    },
  },
  qlora: {
    adapters: true,
    quantizedBase: true,
    refusal: {
      reason: 'qlora-needs-quantized',
      message: (precision) =>
        `qlora means adapters over quantized weights; over ${precision} weights the method is lora`,
    },
  },
};

export function hasAdapters(method: Method): boolean {
  return METHOD_FACTS[method].adapters;
}

/** Whether training adds updates to the stored weights themselves, in 16 bits, where small ones would be rounded away. */
export function hasMasterWeights(method: Method, precision: Precision): boolean {
  return method === 'full' && !isQuantized(precision) && precisionFacts(precision).dtype !== 'fp32';
}

/** Why a method cannot train weights that are stored this way; null where it can. */
export function methodProblem(method: Method, precision: Precision) {
  const { quantizedBase, refusal } = METHOD_FACTS[method];
  if (quantizedBase === isQuantized(precision)) return null;
  return { reason: refusal.reason, message: refusal.message(precision) };
}

/** The methods that can train weights that are stored this way. */
export function methodsFor(precision: Precision): readonly Method[] {
  return METHODS.filter((method) => methodProblem(method, precision) === null);
}
