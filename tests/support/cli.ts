/** `lamina` run against an API that listens, and trials that end as a test says. */
import { join } from 'node:path';
import { runCli } from '@lamina/cli/main.ts';
import { type TestIo, type TestIoOptions, testIo } from '@lamina/cli/testing/io.ts';
import { attemptFolder } from '@lamina/platform/application/ports/artifacts.ts';
import type { TrialRecord } from '@lamina/platform/application/ports/store.ts';
import type { testApi } from './api.ts';
import { resultOf } from './planned.ts';

type Api = Awaited<ReturnType<typeof testApi>>;

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly io: TestIo;
}

export function createCli(api: Pick<Api, 'folder'>, url: string) {
  const start = (words: readonly string[], options: TestIoOptions = {}) => {
    const io = testIo({ cwd: api.folder, env: { LAMINA_URL: url }, ...options });
    const ended = runCli(words, io).then((code): CliRun => ({ code, stdout: io.stdout(), stderr: io.stderr(), io }));
    return { io, ended };
  };
  return {
    start,
    run: (words: readonly string[], options?: TestIoOptions) => start(words, options).ended,
  };
}

/** Takes the next pending trial, lets it train a few steps and leave a log, and ends it. */
export async function playTrial(
  { store, artifacts }: Api,
  experimentId: string,
  batch: number,
  end: { readonly state: 'succeeded' | 'failed'; readonly message: string | null },
): Promise<TrialRecord> {
  const [claimed] = await store.claimTrials(experimentId, batch, 1);
  if (claimed === undefined) throw new Error('no trial is pending');
  const { trialId, attempt, plan } = claimed;
  const attemptId = `${experimentId}-${trialId.slice(0, 8)}-${attempt}`;
  await store.startAttempts([{ attemptId, experimentId, trialId, attempt, plan }]);
  const at = new Date().toISOString();
  await store.appendTrialEvents(attemptId, [
    { seq: 1, at, type: 'phase', phase: 'training' },
    {
      seq: 2,
      at,
      type: 'step',
      step: 5,
      steps: 10,
      loss: 3.5,
      learningRate: 1e-4,
      gradNorm: null,
      stepSeconds: 0.5,
      tokensPerSecond: 512,
      memoryBytes: null,
    },
  ]);
  const key = join(attemptFolder({ experimentId, trialId, attempt }), 'log.txt');
  await artifacts.write(key, new TextEncoder().encode('loading\nstep 5\n'));
  const outcome = end.state === 'succeeded' ? 'succeeded' : 'crashed';
  const message = end.message ?? 'done';
  await store.endAttempts([
    { attemptId, end: { outcome, message, exitCode: outcome === 'succeeded' ? 0 : 1, node: null, endedAt: at } },
  ]);
  const [record] = await store.getTrials(experimentId, [trialId]);
  if (record === undefined) throw new Error(`no trial ${trialId}`);
  const result = end.state === 'succeeded' ? resultOf(record.trial, attemptId) : null;
  await store.recordOutcomes(experimentId, [{ trialId, state: end.state, message: end.message, result }]);
  return record;
}
