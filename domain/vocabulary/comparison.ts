/** What a comparison is ranked by, and where its memory figures come from. */

/**
 * The counter that a memory figure was read from: device memory of a GPU trial, host memory of a CPU trial. Never mixed in
 * one figure. Rows of a comparison have it in the field `memoryMetric`, which programs read.
 */
export const MEMORY_COUNTERS = ['peak-reserved', 'peak-rss'] as const;
export type MemoryCounter = (typeof MEMORY_COUNTERS)[number];

export const OBJECTIVES = ['loss', 'perplexity', 'accuracy'] as const;
/** What decides which cell is best: held-out loss or perplexity (lower; both rank alike), or token accuracy (higher). */
export type Objective = (typeof OBJECTIVES)[number];
