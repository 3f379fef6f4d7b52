/** The facts of precisions as the trainer and as people read them. */
import { methodsFor } from './methods.ts';
import { FAST_16_BIT, isQuantized, PRECISIONS, precisionFacts } from './precisions.ts';

/** What `capabilities.json` holds. */
export function capabilityTable() {
  const precisions = PRECISIONS.map((precision) => {
    const { group, cpu, computeCapability, checkpoint, library, stored, dtype, bits, rowBits } =
      precisionFacts(precision);
    const quantized = isQuantized(precision);
    const facts = { quantized, group, cpu, computeCapability, checkpoint, library, stored, dtype, bits, rowBits };
    return [precision, facts] as const;
  });
  return { precisions: Object.fromEntries(precisions), fast16Bit: FAST_16_BIT };
}

/** For `docs/precisions.md`. */
export function precisionTables(): Readonly<Record<string, string>> {
  const rows = PRECISIONS.map((precision) => {
    const { stored, library, cpu, computeCapability, group, checkpoint } = precisionFacts(precision);
    const needs = [
      group === null ? [] : [`inputs of a layer: a multiple of ${group}`],
      checkpoint === null ? [] : [`a base with \`quant_method: ${checkpoint}\``],
    ].flat();
    return [
      `\`${precision}\``,
      stored,
      methodsFor(precision)
        .map((method) => `\`${method}\``)
        .join(', '),
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
