/** Why an experiment does not go on: an activity of its run or of its search that fails again and again. */
import { z } from 'zod';
import { ADVANCE_STUDY } from './search.ts';

/** What is kept of one activity that fails. */
export interface BlockedActivity {
  /** Its newest error, without secrets. */
  readonly lastError: string;
  /** ISO 8601: when the activity was first tried. */
  readonly since: string;
  /** False: it can never succeed and was given up, and the run or search that it belonged to has ended. */
  readonly retrying: boolean;
}

/** By the name of the activity; empty where nothing is blocked. */
export type BlockedActivities = Readonly<Record<string, BlockedActivity>>;

export const blockedView = z.object({
  activity: z.string().describe('the step that fails, as Temporal names it'),
  sentence: z.string().describe('what cannot be done'),
  lastError: z.string(),
  since: z.iso.datetime({ offset: true }),
  retrying: z
    .boolean()
    .describe('it goes on by itself once the cause is gone; false: it was given up, and `resume` tries again'),
});
export type BlockedView = z.infer<typeof blockedView>;

const SENTENCES: Readonly<Record<string, string>> = {
  begin: 'its run cannot begin',
  prepare: 'the generation of its dataset cannot go on',
  advance: 'its trials cannot be started, stopped or recorded',
  searchStep: 'its search cannot see what has become of its trials',
  applySearch: 'its search cannot add the trials that the tuner suggests',
  [ADVANCE_STUDY]: 'the tuner cannot say which settings to try next',
};

/** What an experiment is shown to be blocked by: what was given up, or else what has failed for the longest time. */
export function blockedOf(activities: BlockedActivities): BlockedView | null {
  const [first] = Object.entries(activities).toSorted(
    ([, a], [, b]) => Number(a.retrying) - Number(b.retrying) || Date.parse(a.since) - Date.parse(b.since),
  );
  if (first === undefined) return null;
  const [activity, { lastError, since, retrying }] = first;
  return { activity, sentence: SENTENCES[activity] ?? `its step ${activity} fails`, lastError, since, retrying };
}
