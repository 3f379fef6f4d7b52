/** Names shared by whoever starts or signals an experiment workflow and the workflow itself. */
export const TASK_QUEUE = 'lamina';
export const EXPERIMENT_WORKFLOW = 'experiment';

export function experimentWorkflowId(experimentId: string): string {
  return `experiment/${experimentId}`;
}

export const SIGNALS = { attemptsEnded: 'attemptsEnded' } as const;
export const UPDATES = {
  pause: 'pause',
  resume: 'resume',
  cancel: 'cancel',
  /** Trials of the experiment were added or reset in the database: look again. */
  wake: 'wake',
} as const;
export const QUERIES = { progress: 'progress' } as const;
