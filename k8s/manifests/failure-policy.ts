/** What a Job does when its pod fails: it ends, at once, and says why. See docs/decisions/0013. */
import type { V1PodFailurePolicy } from '@kubernetes/client-node';
import { TRAINER_CONTAINER } from '../labels.ts';

/** The first rule that matches counts. The Job's condition then names the disruption or the exit code. */
export const FAILURE_POLICY: V1PodFailurePolicy = {
  rules: [
    { action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    { action: 'FailJob', onExitCodes: { containerName: TRAINER_CONTAINER, operator: 'NotIn', values: [0] } },
  ],
};
