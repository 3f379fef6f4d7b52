/** What the cluster's Job controller says. */
import { type Finding, finding, lastLine, quote, RESUMES } from '../finding.ts';
import { type AttemptView, type Condition, holding, type PodView } from '../view.ts';

/** The reason for which the Job has failed, or is about to as soon as its pods have ended. */
export function jobFailure(attempt: AttemptView): Condition | null {
  return holding(attempt.conditions, 'Failed') ?? holding(attempt.conditions, 'FailureTarget');
}

/** The exit code that the Job's failure policy saw; null where it names none. */
export function codeInFailure(attempt: AttemptView): number | null {
  const code = EXIT_CODE.exec(jobFailure(attempt)?.message ?? '')?.[1];
  return code === undefined ? null : Number(code);
}

const EXIT_CODE = /failed with exit code (\d+)/;

const BLAMED = /\b[Pp]od [^\s/]+\/(\S+) (?:failed|has)/;

/** Did the Job fail because of another one of its pods? Then this one was ended in consequence. */
export function endedForAnother(pod: PodView, attempt: AttemptView): boolean {
  const blamed = BLAMED.exec(jobFailure(attempt)?.message ?? '')?.[1];
  return blamed !== undefined && blamed !== pod.name;
}

/** All that is left where no pod is known any more: the Job's own words. */
export function withoutPods(attempt: AttemptView): Finding | null {
  const failure = jobFailure(attempt);
  if (failure === null) return null;
  if (failure.message.includes('DisruptionTarget')) {
    return finding('disrupted', `The cluster took the trial off its node. ${RESUMES}`);
  }
  const said = lastLine(failure.message);
  return finding(
    'crashed',
    `The Job failed, and its pod was gone before anybody could see why${said === null ? '' : ` (${quote(said)})`}.`,
  );
}
