/** When an activity that fails, or succeeds, changes whether its experiment is blocked. Pure. */
import type { BlockedActivity } from '@lamina/domain/contract/blocked.ts';
import { ADVANCE_STUDY } from '@lamina/domain/contract/search.ts';
import { experimentWorkflowId, searchWorkflowId } from '@lamina/domain/contract/workflow.ts';
import { BLOCKED_AFTER_FAILURES } from '@lamina/platform/application/blocked.ts';
import { lastErrorText } from '@lamina/platform/application/last-error.ts';
import type { ExperimentActivities } from '@lamina/workflows/activities.ts';
import type { SearchActivities } from '@lamina/workflows/search-activities.ts';
import { isFinal } from '../final-errors.ts';

/** One try of an activity, as Temporal counts them. */
export interface Try {
  readonly activity: string;
  /** Within its workflow: activities are numbered in the order in which they were asked for. */
  readonly activityId: string;
  /** From 1. */
  readonly attempt: number;
  /** When the activity was first asked for, in milliseconds since the epoch. */
  readonly scheduledMs: number;
}

/** Activities of an experiment's workflow, and of its search's. */
const OF_RUN = ['begin', 'prepare', 'advance'] as const satisfies readonly (keyof ExperimentActivities)[];
const OF_SEARCH = [
  ...(['searchStep', 'applySearch'] as const satisfies readonly (keyof SearchActivities)[]),
  ADVANCE_STUDY,
];
const FIRST = '1';

export interface Owner {
  readonly experimentId: string;
  /** All activities of the workflow that asks. */
  readonly activities: readonly string[];
}

/** Whose activity it is, by the id of its workflow; null: of none of ours. */
export function ownerOf(workflowId: string | undefined): Owner | null {
  const owners = [
    [experimentWorkflowId(''), OF_RUN],
    [searchWorkflowId(''), OF_SEARCH],
  ] as const;
  const found = owners.find(([prefix]) => workflowId?.startsWith(prefix));
  if (workflowId === undefined || found === undefined) return null;
  return { experimentId: workflowId.slice(found[0].length), activities: found[1] };
}

/** What is kept of a try that has failed; null: it is one of few, and says nothing yet. */
export function blockedBy({ attempt, scheduledMs }: Try, error: unknown): BlockedActivity | null {
  const retrying = !isFinal(error);
  if (retrying && attempt < BLOCKED_AFTER_FAILURES) return null;
  return { lastError: lastErrorText(error), since: new Date(scheduledMs).toISOString(), retrying };
}

/**
 * The activities that a success takes the marks from. The first activity of a workflow takes those that the workflow
 * before it left behind, whichever worker wrote them: that one may have been given up.
 */
export function clearedBy({ activity, activityId, attempt }: Try, { activities }: Owner): readonly string[] {
  if (activityId === FIRST) return activities;
  return attempt > BLOCKED_AFTER_FAILURES ? [activity] : [];
}
