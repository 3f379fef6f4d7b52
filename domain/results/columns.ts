/** The columns of the comparison's tables, shared by CSV, Markdown, terminal and dashboard. Data and pure functions. */
import { isQuantized } from '../vocabulary/precisions.ts';
import type { Delta, Estimate } from './estimates.ts';
import {
  fixed,
  gibibytes,
  MEMORY_METRIC_NAMES,
  millions,
  NOT_MEASURED,
  percent,
  signed,
  significant,
  withHalfWidth,
  withRange,
} from './format.ts';
import { layersText } from './layers.ts';
import type { ComparisonRow, DepthRow, GgufRow, InferenceRow, QuantizationCostRow, TaskRow } from './types.ts';

export type Better = 'lower' | 'higher';
export type CellValue = string | number | null | Estimate | Delta;

export interface Column<Row> {
  /** Field name in the comparison's JSON and, with suffixes, in CSV. */
  readonly id: string;
  readonly title: string;
  /** Of what `text` shows; null for plain text and pure numbers. */
  readonly unit: string | null;
  /** Which way a value is better, for colours; null where it is neither. */
  readonly better: Better | null;
  /** What `read` answers with: text, one number, or a measurement with its interval. */
  readonly kind: 'text' | 'number' | 'measured';
  /** The value in storage units (bytes, seconds, joules). */
  readonly read: (row: Row) => CellValue;
  /** One number in `unit`. */
  readonly show: (value: number) => string;
  /** How the interval is shown: "± half" where it is symmetric, "[low, high]" where it is not. */
  readonly interval: 'half' | 'range';
  /** Whether it is a difference or ratio paired by seed, which was tested. */
  readonly paired: boolean;
}

/** A cell for people: "2.913 ± 0.021", "0.63 [0.60, 0.66]", "–". */
export function cellText<Row>(column: Column<Row>, row: Row): string {
  const value = column.read(row);
  if (value === null) return NOT_MEASURED;
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return column.show(value);
  if (column.interval === 'range') return withRange(value, column.show);
  return withHalfWidth(value, column.show);
}

/** The number of a cell alone (an interval's mean), for sorting and colours; null where there is none. */
export function cellNumber<Row>(column: Column<Row>, row: Row): number | null {
  const value = column.read(row);
  if (typeof value === 'number') return value;
  return value === null || typeof value === 'string' ? null : value.mean;
}

/** "peak memory (GiB)". */
export function columnTitle<Row>(column: Column<Row>): string {
  return column.unit === null ? column.title : `${column.title} (${column.unit})`;
}

/** "done", "running", "1 of 2 diverged", "2 of 2 reused". */
export function statusText({ trials }: ComparisonRow): string {
  const { total, byState } = trials;
  for (const state of ['failed', 'diverged', 'pruned', 'cancelled'] as const) {
    if (byState[state]) return total === 1 ? state : `${byState[state]} of ${total} ${state}`;
  }
  const ended = (byState.succeeded ?? 0) + (byState.reused ?? 0);
  if (ended === total) return byState.reused === total ? 'reused' : 'done';
  if (byState.running || byState.retrying) return ended === 0 ? 'running' : `${ended} of ${total} done`;
  return ended === 0 ? 'waiting' : `${ended} of ${total} done`;
}

/** The label with its marks: * the baseline, † measured elsewhere than the baseline. */
export function markedLabel({ label, isBaseline, mixedEnvironment }: ComparisonRow): string {
  return `${label}${isBaseline ? ' *' : ''}${mixedEnvironment ? ' †' : ''}`;
}

type Options<Row> = Partial<Pick<Column<Row>, 'unit' | 'better' | 'show' | 'interval' | 'paired'>>;
type Read<Row, Value> = (row: Row) => Value | null;

function column<Row>(
  kind: Column<Row>['kind'],
  id: string,
  title: string,
  read: Column<Row>['read'],
  options: Options<Row>,
): Column<Row> {
  const plain = { unit: null, better: null, show: significant, interval: 'half', paired: false } as const;
  return { id, title, kind, read, ...plain, ...options };
}

export function text<Row>(id: string, title: string, read: Read<Row, string>): Column<Row> {
  return column('text', id, title, read, {});
}

export function number<Row>(
  id: string,
  title: string,
  read: Read<Row, number>,
  options: Options<Row> = {},
): Column<Row> {
  return column('number', id, title, read, options);
}

export function measured<Row>(
  id: string,
  title: string,
  read: Read<Row, Estimate | Delta>,
  options: Options<Row> = {},
): Column<Row> {
  return column('measured', id, title, read, options);
}

const GIB = { unit: 'GiB', show: gibibytes, better: 'lower' } as const;
const SPEED = { unit: 'tokens/s', better: 'higher' } as const;
const MILLISECONDS = { unit: 'ms', better: 'lower', show: (seconds: number) => significant(seconds * 1000) } as const;
const RATIO = { unit: '×', show: fixed(2), interval: 'range', paired: true } as const;

/** *Training matrix*. */
export const MATRIX_COLUMNS = {
  label: text<ComparisonRow>('label', 'cell', markedLabel),
  status: text<ComparisonRow>('status', 'status', statusText),
  layers: text<ComparisonRow>('layers', 'layers', ({ layers }) => layersText(layers.choice, layers.original)),
  computeDtype: text<ComparisonRow>('computeDtype', 'computed in', (row) => row.computeDtype),
  parameterCount: number<ComparisonRow>('parameterCount', 'parameters', (row) => row.parameterCount, {
    unit: 'M',
    show: millions,
  }),
  trainableParameters: number<ComparisonRow>('trainableParameters', 'trainable', (row) => row.trainableParameters, {
    unit: 'M',
    show: millions,
  }),
  bitsPerParameter: number<ComparisonRow>('bitsPerParameter', 'bits per parameter', (row) => row.bitsPerParameter, {
    show: fixed(3),
    better: 'lower',
  }),
  quantizedBitsPerParameter: number<ComparisonRow>(
    'quantizedBitsPerParameter',
    'bits per quantized parameter',
    (row) => (isQuantized(row.precision) ? row.quantizedBitsPerParameter : null),
    { show: fixed(3), better: 'lower' },
  ),
  weightBytes: number<ComparisonRow>('weightBytes', 'weights', (row) => row.weightBytes, GIB),
  loss: measured<ComparisonRow>('loss', 'held-out loss', (row) => row.loss, {
    unit: 'nats/token',
    show: fixed(3),
    better: 'lower',
  }),
  lossStandardError: number<ComparisonRow>(
    'lossStandardError',
    'standard error on held-out text',
    (row) => row.lossStandardError,
    { unit: 'nats/token', show: fixed(3), better: 'lower' },
  ),
  lossDelta: measured<ComparisonRow>('lossDelta', 'loss − baseline', lossDifference, {
    unit: 'nats/token',
    show: signed(fixed(3)),
    better: 'lower',
    paired: true,
  }),
  pAdjusted: number<ComparisonRow>('pAdjusted', 'p (Holm)', (row) => row.lossDelta.pAdjusted, { show: pText }),
  perplexity: measured<ComparisonRow>('perplexity', 'perplexity', (row) => row.perplexity, {
    interval: 'range',
    better: 'lower',
  }),
  accuracy: measured<ComparisonRow>('accuracy', 'token accuracy', (row) => row.accuracy, {
    unit: '%',
    show: percent,
    better: 'higher',
  }),
  tokensPerSecond: measured<ComparisonRow>('tokensPerSecond', 'speed', (row) => row.tokensPerSecond, {
    unit: 'tokens/s',
    better: 'higher',
  }),
  peakMemoryBytes: measured<ComparisonRow>('peakMemoryBytes', 'peak memory', (row) => row.peakMemoryBytes, GIB),
  estimatedBytes: number<ComparisonRow>('estimatedBytes', 'estimated memory', (row) => row.estimatedBytes, GIB),
  estimateError: number<ComparisonRow>('estimateError', 'error of the estimate', estimateError, {
    unit: '%',
    show: signed(percent),
  }),
  memoryMetric: text<ComparisonRow>('memoryMetric', 'memory is', ({ memoryMetric }) =>
    memoryMetric === null ? null : MEMORY_METRIC_NAMES[memoryMetric],
  ),
  joulesPerToken: measured<ComparisonRow>('joulesPerToken', 'energy', (row) => row.joulesPerToken, {
    unit: 'J/token',
    better: 'lower',
  }),
  netJoulesPerToken: measured<ComparisonRow>('netJoulesPerToken', 'energy above idle', (row) => row.netJoulesPerToken, {
    unit: 'J/token',
    better: 'lower',
  }),
  trialSeconds: measured<ComparisonRow>('trialSeconds', 'time per trial', (row) => row.trialSeconds, {
    unit: 's',
    better: 'lower',
  }),
  cost: measured<ComparisonRow>('cost', 'cost per trial', (row) => row.cost, { better: 'lower' }),
  device: text<ComparisonRow>('devices', 'device', ({ devices }) => (devices.length === 0 ? null : devices.join(', '))),
  pareto: text<ComparisonRow>('onParetoFront', 'Pareto front', (row) => (row.onParetoFront ? 'yes' : '')),
} as const;

/** *Cost of quantization*: ratios to the unquantized row of the same depth. */
export const QUANTIZATION_COST_COLUMNS: readonly Column<QuantizationCostRow>[] = [
  text('label', 'cell', ({ label, mixedEnvironment }) => (mixedEnvironment ? `${label} †` : label)),
  text('reference', 'against', (row) => row.reference),
  measured('tokensPerSecond', 'speed', (row) => row.tokensPerSecond, { ...RATIO, better: 'higher' }),
  measured('forwardSeconds', 'forward', (row) => row.forwardSeconds, { ...RATIO, better: 'lower' }),
  measured('backwardSeconds', 'backward', (row) => row.backwardSeconds, { ...RATIO, better: 'lower' }),
  measured('optimizerSeconds', 'optimizer', (row) => row.optimizerSeconds, { ...RATIO, better: 'lower' }),
  measured('dequantizationShare', 'dequantizing', (row) => row.dequantizationShare, {
    unit: '% of passes',
    show: percent,
    better: 'lower',
  }),
  measured('peakMemory', 'peak memory', (row) => row.peakMemory, { ...RATIO, better: 'lower' }),
  measured('weightBytes', 'weights', (row) => row.weightBytes, { ...RATIO, better: 'lower' }),
  measured('energyPerToken', 'energy', (row) => row.energyPerToken, { ...RATIO, better: 'lower' }),
  measured('netEnergyPerToken', 'energy above idle', (row) => row.netEnergyPerToken, { ...RATIO, better: 'lower' }),
  measured('loadSeconds', 'load time', (row) => row.loadSeconds, { ...RATIO, better: 'lower' }),
  measured('quantizeSeconds', 'quantizing', (row) => row.quantizeSeconds, { unit: 's', better: 'lower' }),
  text('device', 'device', (row) => row.device),
];

/** *Inference*: generation with the adapter apart, and what merging it changes. */
export const INFERENCE_COLUMNS: readonly Column<InferenceRow>[] = [
  text('label', 'cell', (row) => row.label),
  number('batchSize', 'batch', (row) => row.batchSize, { show: fixed(0) }),
  number('promptTokens', 'prompt', (row) => row.promptTokens, { unit: 'tokens', show: fixed(0) }),
  number('newTokens', 'generated', (row) => row.newTokens, { unit: 'tokens', show: fixed(0) }),
  number('firstTokenP50', 'first token, median', (row) => row.firstTokenSeconds.p50, { ...MILLISECONDS }),
  number('firstTokenP95', 'first token, 95th percentile', (row) => row.firstTokenSeconds.p95, { ...MILLISECONDS }),
  measured('prefillTokensPerSecond', 'prefill', (row) => row.prefillTokensPerSecond, { ...SPEED }),
  measured('decodeTokensPerSecond', 'decode', (row) => row.decodeTokensPerSecond, { ...SPEED }),
  measured('mergedDecodeTokensPerSecond', 'decode, merged', (row) => row.mergedDecodeTokensPerSecond, { ...SPEED }),
  measured('mergedSpeedup', 'decode, merged over apart', (row) => row.mergedSpeedup, { ...RATIO, better: 'higher' }),
  measured('mergedFirstTokenRatio', 'first token, merged over apart', (row) => row.mergedFirstTokenRatio, {
    ...RATIO,
    better: 'lower',
  }),
  measured('peakMemoryBytes', 'peak memory', (row) => row.peakMemoryBytes, GIB),
];

/** *GGUF*: files of the trained model in llama.cpp. */
export const GGUF_COLUMNS: readonly Column<GgufRow>[] = [
  text('label', 'cell', (row) => row.label),
  text('type', 'quant', (row) => row.type),
  number('bitsPerWeight', 'bits per weight', (row) => row.bitsPerWeight, { show: fixed(2), better: 'lower' }),
  number('fileBytes', 'size', (row) => row.fileBytes, GIB),
  measured('promptTokensPerSecond', 'prompt', (row) => row.promptTokensPerSecond, SPEED),
  number('promptDeviation', 'prompt, sd', (row) => row.promptDeviation, { unit: 'tokens/s' }),
  measured('generatedTokensPerSecond', 'generation', (row) => row.generatedTokensPerSecond, SPEED),
  number('generatedDeviation', 'generation, sd', (row) => row.generatedDeviation, { unit: 'tokens/s' }),
  measured('perplexity', 'perplexity', (row) => row.perplexity, { show: fixed(3), better: 'lower' }),
  number('perplexityStandardError', 'perplexity, se', (row) => row.perplexityStandardError, { show: fixed(3) }),
  measured('perplexityDelta', 'Δ perplexity', (row) => row.perplexityDelta, {
    show: signed(fixed(3)),
    better: 'lower',
  }),
  number('perplexityDeltaStandardError', 'Δ perplexity, se', (row) => row.perplexityDeltaStandardError, {
    show: fixed(3),
  }),
  measured('divergence', 'KL divergence', (row) => row.divergence, { show: fixed(5), better: 'lower' }),
  measured('sameTop', 'same top token', (row) => row.sameTop, { unit: '%', show: percent, better: 'higher' }),
  text('missing', 'missing', (row) => row.missing),
];

/** *Tasks*: task files of lm-evaluation-harness. */
export const TASK_COLUMNS: readonly Column<TaskRow>[] = [
  text('label', 'cell', (row) => row.label),
  text('task', 'task', (row) => row.task),
  text('metric', 'metric', ({ metric, higherIsBetter }) => (higherIsBetter ? metric : `${metric} (lower is better)`)),
  number('samples', 'questions', (row) => row.samples, { show: fixed(0) }),
  number('fewShot', 'examples', (row) => row.fewShot, { show: fixed(0) }),
  measured('raw', 'as cut', (row) => row.raw, { show: fixed(3) }),
  measured('trained', 'after training', (row) => row.trained, { show: fixed(3) }),
  measured('gain', 'gain', (row) => row.gain, { show: signed(fixed(3)), paired: true }),
  number('standardError', 'standard error on questions', (row) => row.standardError, { show: fixed(3) }),
];

/** *Depth*: as cut and after training. */
export const DEPTH_COLUMNS: readonly Column<DepthRow>[] = [
  text('label', 'cell', (row) => row.label),
  text('kept', 'layers kept', ({ kept }) => (kept === null ? null : layerRanges(kept))),
  number('fractionRemoved', 'removed', (row) => row.fractionRemoved, { unit: '%', show: (x) => fixed(0)(x * 100) }),
  measured('rawLoss', 'loss as cut', (row) => row.rawLoss, { show: fixed(3), better: 'lower' }),
  measured('loss', 'loss after training', (row) => row.loss, { show: fixed(3), better: 'lower' }),
  measured('rawAccuracy', 'accuracy as cut', (row) => row.rawAccuracy, { unit: '%', show: percent, better: 'higher' }),
  measured('accuracy', 'accuracy after training', (row) => row.accuracy, {
    unit: '%',
    show: percent,
    better: 'higher',
  }),
];

export interface TotalBitsRow {
  readonly line: string;
  readonly cellId: string;
  readonly label: string;
  readonly totalBits: number;
  readonly loss: Estimate;
}

/** *Total bits*: model size against quality. */
export const TOTAL_BITS_COLUMNS: readonly Column<TotalBitsRow>[] = [
  text('line', 'line', (row) => row.line),
  text('label', 'cell', (row) => row.label),
  number('totalBits', 'model size', (row) => row.totalBits, {
    unit: 'Gbit',
    show: (x) => significant(x / 1e9),
    better: 'lower',
  }),
  measured('loss', 'held-out loss', (row) => row.loss, { unit: 'nats/token', show: fixed(3), better: 'lower' }),
];

/** "0–8, 12, 15–17". */
export function layerRanges(kept: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const layer of kept) {
    const last = ranges.at(-1);
    if (last && layer === last[1] + 1) last[1] = layer;
    else ranges.push([layer, layer]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ');
}

/** The baseline differs from itself by exactly 0: an interval would only be noise to the eye. */
function lossDifference({ isBaseline, lossDelta }: ComparisonRow): Delta {
  return isBaseline ? { ...lossDelta, low: null, high: null } : lossDelta;
}

/** Share by which the estimate is above what was measured. */
function estimateError({ estimatedBytes, peakMemoryBytes: { mean } }: ComparisonRow): number | null {
  return estimatedBytes === null || mean === null || mean === 0 ? null : estimatedBytes / mean - 1;
}

function pText(p: number): string {
  return p < 0.001 ? '<0.001' : fixed(3)(p);
}
