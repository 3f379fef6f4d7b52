/** Closed choices of what a memory estimate assumes. */

/** Whose habits fill in what a document leaves open. */
export const TRAINERS = ['lamina', 'transformers', 'torchtune'] as const;
export const ATTENTIONS = ['sdpa', 'flash', 'eager'] as const;
export const LOGITS = ['full', 'chunked', 'fused'] as const;
export const MEMORY_OPTIMIZERS = ['adamw', 'adamw-8bit', 'paged-adamw', 'paged-adamw-8bit', 'sgd', 'none'] as const;
