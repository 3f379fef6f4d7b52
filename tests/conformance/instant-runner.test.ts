import { randomUUID } from 'node:crypto';
import { attemptRef } from '@lamina/domain/contract/attempt.ts';
import type { AttemptLaunch } from '@lamina/domain/contract/runner.ts';
import { InstantRunner, type Script } from '../support/instant-runner.ts';
import { type Behaviour, describeRunner } from './runner.ts';
import { sampleRequest } from './samples.ts';

const OUTCOMES = {
  0: 'crashed',
  1: 'crashed',
  64: 'invalid',
  65: 'gpu-out-of-memory',
  66: 'host-out-of-memory',
  67: 'gpu-fault',
  75: 'disrupted',
} as const;

function scriptOf(behaviour: Behaviour): Script {
  switch (behaviour.kind) {
    case 'succeed':
      return { do: 'end', outcome: 'succeeded', afterMs: 5 };
    case 'diverge':
      return { do: 'end', outcome: 'diverged', afterMs: 5 };
    case 'exit':
      return { do: 'end', outcome: OUTCOMES[behaviour.code as keyof typeof OUTCOMES] };
    case 'killed':
      return { do: 'end', outcome: 'disrupted', afterMs: 5 };
    case 'run':
      return { do: 'run' };
    case 'ignore-stop':
      return { do: 'ignore-stop' };
  }
}

describeRunner('instant, the script of a test', async () => {
  const behaviours = new Map<string, Behaviour>();
  const runner = new InstantRunner({
    script: ({ trialId }) => {
      const behaviour = behaviours.get(trialId);
      if (behaviour === undefined) throw new Error('no script');
      return scriptOf(behaviour);
    },
  });
  function item(behaviour: Behaviour | null, limits: Partial<AttemptLaunch> = {}): AttemptLaunch {
    const trialId = randomUUID();
    if (behaviour !== null) behaviours.set(trialId, behaviour);
    const ids = attemptRef('suite', { trialId, attempt: 1 });
    return { ...ids, request: sampleRequest(ids), token: 'secret', deadlineSeconds: null, graceSeconds: 10, ...limits };
  }
  return {
    open: async () => runner,
    abandon: async () => undefined,
    item,
    broken: () => ({ item: item(null), outcome: 'crashed' }),
    starts: async ({ attemptId }) => runner.starts.get(attemptId) ?? 0,
    close: async () => runner.close(),
  };
});
