import type { ExperimentView } from '@lamina/domain/contract/api.ts';
import type { Action } from '../api/queries.ts';

/** What a user can do with an experiment as it stands. */
export function actionsFor({
  state,
  counts,
  blocked,
}: Pick<ExperimentView, 'state' | 'counts' | 'blocked'>): readonly Action[] {
  const wasGivenUp = blocked !== null && !blocked.retrying;
  const canRetry = (counts.failed ?? 0) + (counts.cancelled ?? 0) > 0;
  switch (state) {
    case 'pending':
    case 'running':
      return [wasGivenUp ? 'resume' : 'pause', ...(canRetry ? (['retry'] as const) : []), 'cancel'];
    case 'paused':
      return ['resume', ...(canRetry ? (['retry'] as const) : []), 'cancel'];
    case 'cancelling':
      return [];
    default:
      return canRetry ? ['retry'] : [];
  }
}
