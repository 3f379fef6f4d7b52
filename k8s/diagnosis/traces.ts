/** Where no pod is known any more, what it left behind stands in for it: exit.json, and the code the Job saw. */
import { codeInFailure } from './rules/job-failure.ts';
import type { AttemptView, PodView } from './view.ts';

export function podFromTraces(attempt: AttemptView): PodView[] {
  const { exit } = attempt.evidence;
  const code = codeInFailure(attempt);
  if (exit === null && code === null) return [];
  return [
    {
      name: '',
      uid: '',
      node: null,
      phase: 'Failed',
      reason: '',
      message: '',
      createdAtMs: null,
      gone: true,
      deletionDueMs: null,
      nodeReady: null,
      conditions: [],
      terminated: code === null ? null : { exitCode: code, reason: '', text: '', finishedAtMs: null },
      waiting: null,
      started: true,
      said: exit,
      requests: {},
      memoryLimit: null,
      image: null,
      events: [],
    },
  ];
}
