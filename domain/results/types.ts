/** The comparison and the rows of its tables, as the API answers them. */

import type { GgufResult } from '../contract/result.ts';
import type { LayerChoice } from '../contract/settings.ts';
import type { MemoryCounter, Objective } from '../vocabulary/comparison.ts';
import type { Method } from '../vocabulary/methods.ts';
import type { Precision } from '../vocabulary/precisions.ts';
import type { TrialState } from '../vocabulary/states.ts';
import type { Delta, Estimate } from './estimates.ts';
import type { MetricId } from './metrics.ts';
import type { SearchComparison, SuggestedBy } from './search-types.ts';

export interface TrialCounts {
  readonly total: number;
  readonly byState: Readonly<Partial<Record<TrialState, number>>>;
}

/** What a row of any table says: which cell (or study) it is about. */
export interface TableRow {
  readonly cellId: string;
  readonly label: string;
}

/** One row of *Training matrix*: a cell, with every figure in the registry of metrics over its seeds. */
export interface ComparisonRow extends Readonly<Record<MetricId, Estimate>> {
  readonly cellId: string;
  readonly label: string;
  readonly isBaseline: boolean;
  readonly model: string;
  readonly layers: {
    readonly choice: LayerChoice;
    readonly kept: readonly number[] | null;
    readonly original: number | null;
  };
  readonly precision: Precision;
  readonly computeDtype: string | null;
  readonly method: Method;
  readonly parameters: Readonly<Record<string, string | number | boolean | null>>;
  /** The suggestion of a search that the cell was made for; null: the matrix has it. */
  readonly suggestedBy: SuggestedBy | null;
  readonly trials: TrialCounts;
  readonly seeds: readonly number[];
  /** Device names of the trials in this row; more than one sets `mixedEnvironment`. */
  readonly devices: readonly string[];
  /** The row mixes devices, drivers, CPU thread counts or trainer revisions, or differs in them from the baseline. */
  readonly mixedEnvironment: boolean;
  readonly parameterCount: number | null;
  readonly trainableParameters: number | null;
  readonly bitsPerParameter: number | null;
  readonly quantizedBitsPerParameter: number | null;
  readonly weightBytes: number | null;
  /** Standard error of the loss over held-out sequences, mean over seeds: how much the test set itself limits the answer. */
  readonly lossStandardError: number | null;
  /** Which of the peaks `peakMemoryBytes` repeats; null where nothing was measured or CPU and GPU trials mix. */
  readonly memoryMetric: MemoryCounter | null;
  readonly estimatedBytes: number | null;
  /** Held-out loss minus that of the baseline cell. */
  readonly lossDelta: Delta;
  /** No other row measured on the same device is at least as good in loss, peak memory and speed and better in one. */
  readonly onParetoFront: boolean;
}

/** One row of *Cost of quantization*: ratios to the unquantized row of the same depth, model and other parameters. */
export interface QuantizationCostRow {
  readonly cellId: string;
  readonly referenceCellId: string;
  readonly label: string;
  readonly layers: string;
  readonly precision: Precision;
  readonly reference: Precision;
  readonly device: string;
  /** Row and reference were not measured on one and the same device, driver and trainer revision. */
  readonly mixedEnvironment: boolean;
  /** What `peakMemory` compares; null where the two differ. */
  readonly memoryMetric: MemoryCounter | null;
  readonly tokensPerSecond: Delta;
  readonly peakMemory: Delta;
  readonly weightBytes: Delta;
  readonly energyPerToken: Delta;
  /** Energy above that of the idle machine with the model loaded. */
  readonly netEnergyPerToken: Delta;
  readonly forwardSeconds: Delta;
  readonly backwardSeconds: Delta;
  readonly optimizerSeconds: Delta;
  /** Share of the time of forward and backward passes. */
  readonly dequantizationShare: Estimate;
  readonly loadSeconds: Delta;
  readonly quantizeSeconds: Estimate;
}

/** Percentiles of raw samples; with none, everything else is null. */
export interface Percentiles {
  readonly n: number;
  readonly p50: number | null;
  readonly p95: number | null;
}

/** One row of *Inference*: a cell at one batch size; `merged…` with the adapter added to the weights. */
export interface InferenceRow {
  readonly cellId: string;
  readonly label: string;
  readonly batchSize: number;
  readonly promptTokens: number | null;
  readonly newTokens: number | null;
  readonly firstTokenSeconds: Percentiles;
  /** Speeds over seeds, each seed's from the median of its repetitions. */
  readonly prefillTokensPerSecond: Estimate;
  readonly decodeTokensPerSecond: Estimate;
  readonly mergedDecodeTokensPerSecond: Estimate;
  readonly peakMemoryBytes: Estimate;
  /** Decoding speed of the merged model over that with the adapter apart, paired by seed. */
  readonly mergedSpeedup: Delta;
  /** Time to the first token, merged over apart. */
  readonly mergedFirstTokenRatio: Delta;
}

/** One row of *GGUF*: a type of file, over the seeds of its cell. */
export interface GgufRow {
  readonly cellId: string;
  readonly label: string;
  readonly type: GgufResult['type'];
  /** Why something was not measured; null: everything was. */
  readonly missing: string | null;
  readonly bitsPerWeight: number | null;
  readonly fileBytes: number | null;
  readonly promptTokensPerSecond: Estimate;
  /** Standard deviation over repetitions, mean over seeds; as below. */
  readonly promptDeviation: number | null;
  readonly generatedTokensPerSecond: Estimate;
  readonly generatedDeviation: number | null;
  readonly perplexity: Estimate;
  /** Over scored tokens, mean over seeds; as below. */
  readonly perplexityStandardError: number | null;
  /** Perplexity less that of the f16 file on the same tokens. */
  readonly perplexityDelta: Estimate;
  readonly perplexityDeltaStandardError: number | null;
  /** Kullback-Leibler divergence from the f16 file, nats per token. */
  readonly divergence: Estimate;
  readonly sameTop: Estimate;
}

/** One row of *Tasks*: a metric of a task, over the seeds of its cell. */
export interface TaskRow {
  readonly cellId: string;
  readonly label: string;
  readonly task: string;
  readonly version: string;
  readonly metric: string;
  readonly higherIsBetter: boolean;
  /** Questions. */
  readonly samples: number;
  /** Answered examples in front of each. */
  readonly fewShot: number;
  /** The model as cut. */
  readonly raw: Estimate;
  readonly trained: Estimate;
  /** Trained less as cut, paired by seed. */
  readonly gain: Delta;
  /** Over questions, mean over seeds: how much the questions themselves limit the answer. */
  readonly standardError: number | null;
}

/** One row of *Depth*: what the cut costs, before and after training. */
export interface DepthRow {
  readonly cellId: string;
  readonly label: string;
  readonly strategy: string;
  readonly kept: readonly number[] | null;
  readonly original: number | null;
  readonly fractionRemoved: number | null;
  readonly precision: Precision;
  readonly method: Method;
  readonly rawLoss: Estimate;
  readonly loss: Estimate;
  readonly rawAccuracy: Estimate;
  readonly accuracy: Estimate;
}

/** One line of *Total bits*: a precision (of one model, method and set of further parameters), its points are depths. */
export interface TotalBitsLine {
  readonly label: string;
  readonly model: string;
  readonly precision: Precision;
  readonly method: Method;
  readonly points: readonly {
    readonly cellId: string;
    readonly label: string;
    readonly totalBits: number;
    readonly loss: Estimate;
  }[];
}

/** The sentence on top, in parts and as text. */
export interface Recommendation {
  readonly cellId: string | null;
  readonly sentence: string;
  /** How sure: the cells that the data cannot tell apart from the best. */
  readonly indistinguishable: readonly string[];
  readonly objective: Objective;
  readonly limits: { readonly maxMemoryBytes: number | null; readonly maxCost: number | null };
}

export interface Comparison {
  readonly experimentId: string;
  readonly name: string;
  readonly state: string;
  readonly complete: boolean;
  readonly baselineCellId: string | null;
  readonly recommendation: Recommendation;
  readonly rows: readonly ComparisonRow[];
  readonly quantizationCost: readonly QuantizationCostRow[];
  readonly inference: readonly InferenceRow[];
  readonly depth: readonly DepthRow[];
  readonly totalBits: readonly TotalBitsLine[];
  readonly gguf: readonly GgufRow[];
  readonly tasks: readonly TaskRow[];
  readonly search: SearchComparison;
  /** Rows of tables that are computed for themselves alone, by the table's id; absent in reports of before. */
  readonly tables?: Readonly<Record<string, readonly TableRow[]>>;
  /** What a careful reader must know: mixed devices, few seeds, reused or missing trials. */
  readonly notes: readonly string[];
}
