/**
 * The id of one execution of a trial. The trial's hash is shortened to 16 hex digits (unique within an experiment),
 * so that the id fits into addresses, file names and cluster labels.
 */
export function attemptIdOf(experimentId: string, trialId: string, attempt: number): string {
  return `${experimentId}-${trialId.slice(0, 16)}-${attempt}`;
}
