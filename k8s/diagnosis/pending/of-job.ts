/** Why there is no pod yet: the queue, or the API server refuses the pod that the Job controller asks for. */
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import { isQuotaRefusal } from '../../client/errors.ts';
import { quote, reason } from '../finding.ts';
import type { AttemptView } from '../view.ts';
import { quotaSentence } from './quota.ts';

export function pendingReasonOfJob(attempt: AttemptView): PendingReason | null {
  if (attempt.suspended) {
    return reason(
      'queued',
      attempt.queue === null
        ? 'The Job is suspended, and nothing that Lamina knows of will let it go.'
        : `Waiting for its turn in the queue ${attempt.queue}.`,
    );
  }
  const refused = newestPodRefusal(attempt);
  if (refused === null) return null;
  return isQuotaRefusal(refused) ? reason('unschedulable', quotaSentence(refused)) : missing(refused);
}

/** What the API server said when it last refused a pod; null where it did not, or a pod has come since. */
export function newestPodRefusal(attempt: AttemptView): string | null {
  if (attempt.pods.length > 0) return null;
  return attempt.events.findLast((event) => event.kind === 'Job' && event.reason === 'FailedCreate')?.message ?? null;
}

function missing(message: string): PendingReason {
  const account = /serviceaccount "([^"]+)" not found/.exec(message)?.[1];
  if (account !== undefined) {
    return reason(
      'misconfigured',
      `The service account "${account}" does not exist in the namespace; create it, or correct serviceAccount in the cluster settings.`,
    );
  }
  const priority = /no PriorityClass with name (\S+) was found/.exec(message)?.[1];
  if (priority !== undefined) {
    return reason(
      'misconfigured',
      `The priority class "${priority}" does not exist; create it, or correct priorityClass in the cluster settings.`,
    );
  }
  return reason(
    'misconfigured',
    `The cluster refuses the trial's pod: ${quote(message.replace(/^Error creating: /, ''))}.`,
  );
}
