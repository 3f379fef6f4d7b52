import type { ExperimentDocument } from '../spec/document.ts';
import type { ComparisonInput } from './input.ts';

/** What a document says about its comparison: objective, limits and the price of an hour. */
export function comparisonSettings({
  objective,
  resources,
}: Pick<ExperimentDocument, 'objective' | 'resources'>): Pick<
  ComparisonInput,
  'objective' | 'limits' | 'pricePerHour'
> {
  return {
    objective: objective.metric,
    limits: { maxMemoryBytes: objective.maxMemory, maxCost: objective.maxCost },
    pricePerHour: resources.pricePerHour,
  };
}
