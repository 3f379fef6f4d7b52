/** *Cost of quantization*: what k-bit storage costs and saves at the same depth. */
import canonicalize from 'canonicalize';
import * as measures from '../measures/measures.ts';
import { isQuantized, type Precision } from '../vocabulary/precisions.ts';
import type { Delta } from './estimates.ts';
import { type CellGroup, pairsBySeed, valuesOf } from './input.ts';
import { layersKey, layersText, modelName } from './layers.ts';
import { adjustDeltas, estimate, NO_DELTA, pairedRatio } from './statistics.ts';
import type { ComparisonRow, QuantizationCostRow } from './types.ts';

/** Which unquantized row serves as reference where a depth has several. */
const REFERENCE_ORDER: readonly Precision[] = ['bf16', 'fp16', 'fp32', 'tf32'];

const RATIO_COLUMNS = [
  'tokensPerSecond',
  'forwardSeconds',
  'backwardSeconds',
  'optimizerSeconds',
  'peakMemory',
  'weightBytes',
  'energyPerToken',
  'netEnergyPerToken',
  'loadSeconds',
] as const;

/**
 * One row per k-bit cell whose depth, model and further parameters also exist unquantized with the same adapters
 * (method `lora`; bf16 before fp16, fp32, tf32). Full training is never the reference: it would mix the cost of
 * quantization with that of training all weights. Figures are geometric means of ratios paired by seed, k-bit over
 * reference (see `pairedRatio`), Holm-adjusted over each column.
 */
export function quantizationCost(groups: readonly CellGroup[], rows: readonly ComparisonRow[]): QuantizationCostRow[] {
  const byId = new Map(groups.map((group) => [group.cell.id, group]));
  const references = new Map<string, CellGroup>();
  for (const group of groups.filter(isReference)) {
    const key = siblingKey(group);
    const known = references.get(key);
    if (known === undefined || rank(group) < rank(known)) references.set(key, group);
  }
  const result = rows.flatMap((row) => {
    const group = byId.get(row.cellId);
    const reference = group && isQuantized(row.precision) ? references.get(siblingKey(group)) : undefined;
    return group && reference && group.measured.length > 0 && reference.measured.length > 0
      ? [costRow(row, group, reference)]
      : [];
  });
  return adjustColumns(result);
}

function isReference({ cell }: CellGroup): boolean {
  return cell.method === 'lora' && !isQuantized(cell.precision);
}

function rank({ cell }: CellGroup): number {
  return REFERENCE_ORDER.indexOf(cell.precision);
}

/** Settings of k-bit storage alone have no counterpart in an unquantized cell. */
function siblingKey({ cell }: CellGroup): string {
  const parameters = Object.entries(cell.parameters).filter(([path]) => !path.startsWith('quantization.'));
  return `${modelName(cell.model)} ${layersKey(cell.layers)} ${canonicalize(Object.fromEntries(parameters))}`;
}

function costRow(row: ComparisonRow, group: CellGroup, reference: CellGroup): QuantizationCostRow {
  const ratio = (measure: measures.Measure): Delta =>
    pairedRatio(pairsBySeed(group.measured, reference.measured, measure));
  const pooled = [...group.measured, ...reference.measured];
  const metrics = new Set(pooled.map(measures.memoryCounterOf));
  const [metric = null, ...otherMetrics] = metrics;
  const devices = new Set(pooled.map(({ result }) => result.environment.device));
  return {
    cellId: row.cellId,
    referenceCellId: reference.cell.id,
    label: row.label,
    layers: layersText(row.layers.choice, row.layers.original),
    precision: row.precision,
    reference: reference.cell.precision,
    device: [...devices].sort().join(', '),
    mixedEnvironment: new Set(pooled.map(measures.environmentKey)).size > 1,
    memoryMetric: otherMetrics.length > 0 ? null : metric,
    tokensPerSecond: ratio(measures.tokensPerSecond),
    peakMemory: otherMetrics.length > 0 ? NO_DELTA : ratio(measures.peakMemory),
    weightBytes: ratio(measures.weightBytes),
    energyPerToken: ratio(measures.joulesPerToken),
    netEnergyPerToken: ratio(measures.netJoulesPerToken),
    forwardSeconds: ratio(measures.forwardSeconds),
    backwardSeconds: ratio(measures.backwardSeconds),
    optimizerSeconds: ratio(measures.optimizerSeconds),
    dequantizationShare: estimate(valuesOf(group.measured, measures.dequantizationShare)),
    loadSeconds: ratio(measures.loadSeconds),
    quantizeSeconds: row.quantizeSeconds,
  };
}

function adjustColumns(rows: readonly QuantizationCostRow[]): QuantizationCostRow[] {
  const adjusted = RATIO_COLUMNS.map((column) => [column, adjustDeltas(rows.map((row) => row[column]))] as const);
  return rows.map((row, index) => ({
    ...row,
    ...Object.fromEntries(adjusted.map(([column, deltas]) => [column, deltas[index] ?? row[column]])),
  }));
}
