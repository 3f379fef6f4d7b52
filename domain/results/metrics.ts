/**
 * The figures of a cell: how each is read from the result of a trial, and how it is written. A record here is all that
 * a further figure of the training matrix takes: rows, CSV, Markdown, terminal, report and dashboard follow from it. Plots show
 * four of them (`services/web/src/comparison/figures.ts`).
 */
import * as measures from '../measures/measures.ts';
import { fixed, percent } from './format.ts';
import { GIB, type Presentation, SECONDS, SPEED } from './tables/column.ts';

export interface Metric extends Partial<Presentation> {
  readonly title: string;
  /** One trial's value; null where it was not measured. */
  measure(trial: Parameters<measures.Measure>[0], prices: Prices): number | null;
  /** The logarithm of the value, where it is averaged on that scale. */
  readonly logarithm?: measures.Measure;
  /** `csv`: only in CSV, because another table shows it or Markdown and the terminal have no room; absent: everywhere. */
  readonly where?: 'csv';
}

/** What a figure depends on in addition to the trial's result. */
export interface Prices {
  readonly pricePerHour: number | null;
}

const LOSS = { unit: 'nats/token', show: fixed(3), better: 'lower' } as const;
const SHARE = { unit: '%', show: percent, better: 'higher' } as const;
const ENERGY = { unit: 'J/token', better: 'lower' } as const;

export const METRICS = {
  loss: { title: 'held-out loss', measure: measures.loss, ...LOSS },
  perplexity: {
    title: 'perplexity',
    measure: measures.perplexity,
    logarithm: measures.loss,
    interval: 'range',
    better: 'lower',
    tint: 'log',
  },
  accuracy: { title: 'token accuracy', measure: measures.accuracy, ...SHARE },
  tokensPerSecond: { title: 'speed', measure: measures.tokensPerSecond, ...SPEED },
  /** Empty where a cell mixes trials on CPUs and GPUs. */
  peakMemoryBytes: { title: 'peak memory', measure: measures.peakMemory, ...GIB },
  joulesPerToken: { title: 'energy', measure: measures.joulesPerToken, ...ENERGY },
  /** Without what the machine draws when idle with the model loaded. */
  netJoulesPerToken: { title: 'energy above idle', measure: measures.netJoulesPerToken, ...ENERGY },
  trialSeconds: { title: 'time per trial', measure: measures.trialSeconds, ...SECONDS },
  cost: {
    title: 'cost per trial',
    measure: (trial, { pricePerHour }) => measures.cost(pricePerHour)(trial),
    better: 'lower',
  },
  /** Jumps of the gradient, which clipping hides, tell how near training came to diverging. */
  largestGradientNorm: {
    title: 'largest gradient norm',
    measure: ({ result: { training } }) =>
      training.resumedFromStep === null ? (training.largestGradientNorm ?? null) : null,
    better: 'lower',
  },
  /** Experts that are one tensor a layer, embeddings and the head are not quantized: a label says less than this. */
  quantizedShare: {
    title: 'quantized',
    measure: ({ result: { model } }) =>
      model.quantizedParameters === 0 ? null : model.quantizedParameters / model.parameters,
    unit: '%',
    show: percent,
    where: 'csv',
  },
  /** A learning rate that clipping holds back at most steps is not the one that the document names. */
  clippedShare: {
    title: 'steps clipped',
    measure: ({ result: { training } }) =>
      training.resumedFromStep === null && training.clippedSteps != null
        ? training.clippedSteps / training.steps
        : null,
    unit: '%',
    show: percent,
    better: 'lower',
  },
  rawLoss: { title: 'loss as cut', measure: measures.rawLoss, ...LOSS, where: 'csv' },
  rawAccuracy: { title: 'accuracy as cut', measure: measures.rawAccuracy, ...SHARE, where: 'csv' },
  loadSeconds: { title: 'load time', measure: measures.loadSeconds, ...SECONDS, where: 'csv' },
  quantizeSeconds: { title: 'quantizing', measure: measures.quantizeSeconds, ...SECONDS, where: 'csv' },
  peakAllocatedBytes: {
    title: 'peak allocated',
    measure: ({ result }) => result.memory.peakAllocatedBytes,
    ...GIB,
    where: 'csv',
  },
  peakReservedBytes: {
    title: 'peak reserved',
    measure: ({ result }) => result.memory.peakReservedBytes,
    ...GIB,
    where: 'csv',
  },
  peakProcessBytes: {
    title: 'peak of the process',
    measure: ({ result }) => result.memory.peakProcessBytes,
    ...GIB,
    where: 'csv',
  },
  peakRssBytes: {
    title: 'peak resident set',
    measure: ({ result }) => result.memory.peakRssBytes,
    ...GIB,
    where: 'csv',
  },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricId = keyof typeof METRICS;
