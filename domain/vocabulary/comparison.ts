/** What a comparison is ranked by, and where its memory figures come from. */

/** Where a memory figure comes from: device memory of a GPU trial, host memory of a CPU trial. Never mixed in one figure. */
export const MEMORY_METRICS = ['peak-reserved', 'peak-rss'] as const;
export type MemoryMetric = (typeof MEMORY_METRICS)[number];

export const OBJECTIVES = ['loss', 'perplexity', 'accuracy'] as const;
/** What decides which cell is best: held-out loss or perplexity (lower; both rank alike), or token accuracy (higher). */
export type Objective = (typeof OBJECTIVES)[number];
