/** The estimator's error against published measurements. */
import { estimateMemory } from '../estimate.ts';
import { MODELS, PUBLISHED, type Publication } from './published.ts';

export interface PublishedError {
  readonly publication: Publication;
  readonly estimatedBytes: number;
  /** (estimated − measured) / measured. */
  readonly error: number;
}

export function publishedErrors(publications: readonly Publication[] = PUBLISHED): readonly PublishedError[] {
  return publications.map((publication) => {
    const estimate = estimateMemory(MODELS[publication.model], publication.settings);
    const estimatedBytes = estimate[publication.when][`${publication.counter}Bytes`];
    const error = (estimatedBytes - publication.measuredBytes) / publication.measuredBytes;
    return { publication, estimatedBytes, error };
  });
}
