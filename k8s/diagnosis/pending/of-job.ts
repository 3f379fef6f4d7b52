/** Why there is no pod yet: the queue, or the API server refuses the pod that the Job controller asks for. */
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import { quote, reason } from '../finding.ts';
import type { AttemptView } from '../view.ts';

export function pendingReasonOfJob(attempt: AttemptView): PendingReason | null {
  if (attempt.suspended) {
    return reason(
      'queued',
      attempt.queue === null
        ? 'The Job is suspended, and nothing that Lamina knows of will let it go.'
        : `Waiting for its turn in the queue ${attempt.queue}.`,
    );
  }
  const refused = refusal(attempt);
  if (refused === null) return null;
  return QUOTA.test(refused) ? quota(refused) : missing(refused);
}

/** The newest refusal of a pod; null where there is none or a pod has come since. */
export function refusal(attempt: AttemptView): string | null {
  if (attempt.pods.length > 0) return null;
  return attempt.events.findLast((event) => event.kind === 'Job' && event.reason === 'FailedCreate')?.message ?? null;
}

const QUOTA = /exceeded quota: ([^,]+), requested: (.*?), used: (.*?), limited: (.*)$/;

function quota(message: string): PendingReason {
  const [, name = '', requested = '', used = '', limited = ''] = QUOTA.exec(message) ?? [];
  return reason(
    'unschedulable',
    `The namespace's quota "${name}" is used up: the trial asks for ${requested}, ${used} is in use, and the limit is ${limited}. It starts when others end, or with a higher quota.`,
  );
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
