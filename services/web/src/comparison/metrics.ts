/** The quantities that rows are compared by: where each is found, how it reads, and which end is better. */

import type { Estimate } from '@lamina/domain/results/estimates.ts';
import type { Comparison, ComparisonRow } from '@lamina/domain/results/types.ts';
import type { MemoryMetric } from '@lamina/domain/vocabulary/comparison.ts';
import { bytes, compact, fixed, GIB } from '../format.ts';

export type MetricKey = 'loss' | 'perplexity' | 'speed' | 'memory';

export interface Metric {
  readonly key: MetricKey;
  readonly title: string;
  /** For a plot's axis, with the unit that `toAxis` converts to. */
  readonly axis: string;
  readonly better: 'low' | 'high';
  readonly scale: 'linear' | 'log';
  readonly estimate: (row: ComparisonRow) => Estimate;
  readonly format: (value: number | null) => string;
  readonly toAxis: (value: number) => number;
}

const MEMORY_NAMES: Record<MemoryMetric, string> = {
  'peak-reserved': 'Peak GPU memory reserved',
  'peak-rss': 'Peak host memory, RSS',
};

/** One memory measure for all rows, so that unlike quantities are never compared: the one most rows have. */
export function memoryMeasure(rows: readonly Pick<ComparisonRow, 'memoryMetric'>[]): MemoryMetric {
  const gpu = rows.filter((row) => row.memoryMetric === 'peak-reserved').length;
  const host = rows.filter((row) => row.memoryMetric === 'peak-rss').length;
  return gpu > host ? 'peak-reserved' : 'peak-rss';
}

const NOT_MEASURED: Estimate = { n: 0, mean: null, sd: null, low: null, high: null, samples: [] };

export function metrics(rows: readonly ComparisonRow[]): Record<MetricKey, Metric> {
  const measure = memoryMeasure(rows);
  const memoryName = MEMORY_NAMES[measure];
  const plain = (value: number) => value;
  return {
    loss: {
      key: 'loss',
      title: 'Held-out loss',
      axis: 'Held-out loss (nats per token)',
      better: 'low',
      scale: 'linear',
      estimate: (row) => row.loss,
      format: (value) => fixed(value, 3),
      toAxis: plain,
    },
    perplexity: {
      key: 'perplexity',
      title: 'Perplexity',
      axis: 'Held-out perplexity',
      better: 'low',
      scale: 'log',
      estimate: (row) => row.perplexity,
      format: compact,
      toAxis: plain,
    },
    speed: {
      key: 'speed',
      title: 'Training speed',
      axis: 'Training speed (tokens/s)',
      better: 'high',
      scale: 'linear',
      estimate: (row) => row.tokensPerSecond,
      format: compact,
      toAxis: plain,
    },
    memory: {
      key: 'memory',
      title: memoryName,
      axis: `${memoryName} (GiB)`,
      better: 'low',
      scale: 'linear',
      estimate: (row) => (row.memoryMetric === measure ? row.peakMemoryBytes : NOT_MEASURED),
      format: bytes,
      toAxis: (value) => value / GIB,
    },
  };
}

/** Names of the devices in the comparison, for captions: speed and memory mean nothing without them. */
export function devicesOf(comparison: Pick<Comparison, 'rows'>): readonly string[] {
  return [...new Set(comparison.rows.flatMap((row) => row.devices))];
}
