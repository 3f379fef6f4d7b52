/** The figures that plots compare rows by: as the columns of the training matrix, with the scale of their axes. */
import type { Estimate } from '@lamina/domain/results/estimates.ts';
import { MEMORY_COUNTER_NAMES } from '@lamina/domain/results/format.ts';
import { type Better, type Column, columnTitle } from '@lamina/domain/results/tables/column.ts';
import { figureColumn } from '@lamina/domain/results/tables/matrix.ts';
import type { Comparison, ComparisonRow } from '@lamina/domain/results/types.ts';
import type { MemoryCounter } from '@lamina/domain/vocabulary/comparison.ts';
import { bytes, capitalized, compact, fixed, GIB } from '../format.ts';

export type FigureKey = 'loss' | 'perplexity' | 'speed' | 'memory';

export interface PlottedFigure {
  readonly key: FigureKey;
  readonly title: string;
  /** For a plot's axis, with the unit that `toAxis` converts to. */
  readonly axis: string;
  readonly better: Better;
  readonly scale: 'linear' | 'log';
  readonly estimate: (row: ComparisonRow) => Estimate;
  readonly format: (value: number | null) => string;
  readonly toAxis: (value: number) => number;
}

/** One memory counter for all rows, so that unlike quantities are never compared: the one most rows have. */
export function memoryCounter(rows: readonly Pick<ComparisonRow, 'memoryMetric'>[]): MemoryCounter {
  const gpu = rows.filter((row) => row.memoryMetric === 'peak-reserved').length;
  const host = rows.filter((row) => row.memoryMetric === 'peak-rss').length;
  return gpu > host ? 'peak-reserved' : 'peak-rss';
}

const NO_ESTIMATE: Estimate = { n: 0, mean: null, sd: null, low: null, high: null, samples: [] };

export function figures(rows: readonly ComparisonRow[]): Record<FigureKey, PlottedFigure> {
  const counter = memoryCounter(rows);
  const plain = (value: number) => value;
  return {
    loss: {
      ...described('loss', figureColumn('loss')),
      scale: 'linear',
      estimate: (row) => row.loss,
      format: (value) => fixed(value, 3),
      toAxis: plain,
    },
    perplexity: {
      ...described('perplexity', figureColumn('perplexity')),
      scale: 'log',
      estimate: (row) => row.perplexity,
      format: compact,
      toAxis: plain,
    },
    speed: {
      ...described('speed', figureColumn('tokensPerSecond')),
      scale: 'linear',
      estimate: (row) => row.tokensPerSecond,
      format: compact,
      toAxis: plain,
    },
    memory: {
      ...described('memory', { ...figureColumn('peakMemoryBytes'), title: MEMORY_COUNTER_NAMES[counter] }),
      scale: 'linear',
      estimate: (row) => (row.memoryMetric === counter ? row.peakMemoryBytes : NO_ESTIMATE),
      format: bytes,
      toAxis: (value) => value / GIB,
    },
  };
}

function described(key: FigureKey, column: Column<ComparisonRow>) {
  const { title, better } = column;
  return { key, title: capitalized(title), axis: capitalized(columnTitle(column)), better: better ?? 'lower' };
}

/** Names of the devices in the comparison, for captions: speed and memory mean nothing without them. */
export function devicesOf(comparison: Pick<Comparison, 'rows'>): readonly string[] {
  return [...new Set(comparison.rows.flatMap((row) => row.devices))];
}
