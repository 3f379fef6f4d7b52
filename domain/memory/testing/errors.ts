/** The estimator's error against published measurements. */
import { estimateMemory } from '../estimate.ts';
import { MODELS, type Publication } from './publication.ts';
import { PUBLISHED } from './published.ts';

export interface PublishedError {
  readonly publication: Publication;
  readonly estimatedBytes: number;
  /** Share of the estimate that can be off. */
  readonly uncertain: number;
  /** (estimated − measured) / measured. */
  readonly error: number;
}

export function publishedErrors(publications: readonly Publication[] = PUBLISHED): readonly PublishedError[] {
  return publications.map((publication) => {
    const estimate = estimateMemory(MODELS[publication.model], publication.settings);
    const estimatedBytes = estimate[publication.when][`${publication.counter}Bytes`];
    const error = (estimatedBytes - publication.measuredBytes) / publication.measuredBytes;
    return { publication, estimatedBytes, uncertain: estimate.uncertain, error };
  });
}
