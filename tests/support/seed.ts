/** Puts experiments into a real store as a run would: attempts, posted events, logs, results. */
import { createHash } from 'node:crypto';
import type { AttemptEnd } from '@lamina/domain/contract/runner.ts';
import { initialPlan, runPolicy } from '@lamina/domain/matrix/plan.ts';
import type { PlannedTrial } from '@lamina/domain/matrix/types.ts';
import { type ArtifactStore, attemptFolder } from '@lamina/platform/application/ports/artifacts.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import { type Sample, sampleEvents, sampleResult } from './sample.ts';

interface Stores {
  readonly store: ExperimentStore;
  readonly artifacts: ArtifactStore;
}

export async function seedExperiment({ store }: Stores, id: string, { document, expansion }: Sample): Promise<void> {
  await store.createExperiment(
    {
      id,
      name: document.name,
      document,
      policy: runPolicy(document),
      trials: expansion.trials,
      dropped: expansion.dropped,
      baselineCellId: expansion.baselineCellId,
      plans: Object.fromEntries(expansion.trials.map((trial) => [trial.cell.id, initialPlan(trial.settings)])),
      idempotencyKey: null,
      bodyHash: createHash('sha256').update(id).digest('hex'),
    },
    { reuse: false },
  );
}

/** Starts a trial's next attempt and posts its events up to a step. */
export async function startTrial(
  { store, artifacts }: Stores,
  experimentId: string,
  trial: PlannedTrial,
  { attempt = 1, step = 0 }: { attempt?: number; step?: number } = {},
): Promise<string> {
  const attemptId = attemptIdOf(experimentId, trial, attempt);
  const plan = initialPlan(trial.settings);
  await store.startAttempts([{ attemptId, experimentId, trialId: trial.id, attempt, plan }]);
  await store.appendTrialEvents(attemptId, sampleEvents(trial, step));
  await artifacts.write(
    `${attemptFolder({ experimentId, trialId: trial.id, attempt })}/log.txt`,
    new TextEncoder().encode(
      `loading ${trial.cell.label}\nweights loaded in 1.2 s\nseed ${trial.settings.seed}, training\n`,
    ),
  );
  return attemptId;
}

/** A failed attempt, after which the trial waits for its next. */
export async function failAttempt(
  stores: Stores,
  experimentId: string,
  trial: PlannedTrial,
  attempt = 1,
): Promise<void> {
  const attemptId = await startTrial(stores, experimentId, trial, { attempt, step: 9 });
  await stores.store.endAttempts([{ attemptId, end: end('crashed', 'the trainer ended with exit code 1', 1) }]);
}

/** Runs a trial to its end. */
export async function finishTrial(
  stores: Stores,
  experimentId: string,
  trial: PlannedTrial,
  { state = 'succeeded', attempt = 1 }: { state?: 'succeeded' | 'diverged' | 'failed'; attempt?: number } = {},
): Promise<void> {
  const attemptId = await startTrial(stores, experimentId, trial, { attempt });
  const failed = state === 'failed';
  const message = { succeeded: null, diverged: 'the loss was not finite at step 17', failed: 'out of host memory' }[
    state
  ];
  await stores.store.endAttempts([
    { attemptId, end: end(failed ? 'host-out-of-memory' : state, message ?? 'succeeded', failed ? 66 : 0) },
  ]);
  const result = failed ? null : sampleResult(trial, attemptId, state);
  await stores.store.recordOutcomes(experimentId, [{ trialId: trial.id, state, message, result }]);
}

function attemptIdOf(experimentId: string, trial: PlannedTrial, attempt: number): string {
  return `${experimentId}-${trial.id.slice(0, 12)}-${attempt}`;
}

function end(outcome: AttemptEnd['outcome'], message: string, exitCode: number): AttemptEnd {
  return { outcome, message, exitCode, node: 'sample', endedAt: new Date().toISOString() };
}
