/** A store on an empty database, and experiments in it, for its conformance tests. */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import type { AttemptEnd } from '@lamina/domain/contract/runner.ts';
import type { PlannedTrial } from '@lamina/domain/matrix/types.ts';
import type { Database } from '@lamina/platform/adapters/database/open.ts';
import { createExperimentStore } from '@lamina/platform/adapters/database/store.ts';
import { newExperimentId } from '@lamina/platform/application/ids.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import { newExperiment, plannedTrials, plansOf, resultOf } from '../support/planned.ts';

export type OpenDatabase = () => Promise<Database>;

export interface StoreUnderTest {
  /** There once tests run. */
  readonly store: ExperimentStore;
  /** A fresh experiment whose trials no other test has; `family` makes further ones of the same kind. */
  experiment(cells?: number, seeds?: number): Promise<{ id: string; family: string; trials: readonly PlannedTrial[] }>;
  /** Starts an attempt; answers with its id. */
  run(experimentId: string, trial: PlannedTrial, attempt?: number): Promise<string>;
  finish(experimentId: string, trial: PlannedTrial): Promise<void>;
}

export const AT = '2026-01-01T00:00:00.000Z';

/** One suite over one store. */
export function describeStore(
  title: string,
  open: OpenDatabase,
  options: { skip?: string },
  tests: (under: StoreUnderTest) => void,
): void {
  describe(title, options, () => {
    let store: ExperimentStore;
    let families = 0;

    before(async () => {
      store = createExperimentStore(await open());
    });
    after(() => store?.close());

    const run: StoreUnderTest['run'] = async (id, trial, attempt = 1) => {
      const attemptId = attemptOf(id, trial, attempt);
      const plan = plansOf([trial])[trial.cell.id];
      assert.ok(plan);
      await store.startAttempts([{ attemptId, experimentId: id, trialId: trial.id, attempt, plan }]);
      return attemptId;
    };

    tests({
      get store() {
        return store;
      },
      async experiment(cells = 2, seeds = 2) {
        const id = newExperimentId();
        families += 1;
        const family = `${title} ${families}`;
        const trials = plannedTrials(cells, seeds, family);
        await store.createExperiment(newExperiment(id, trials), { reuse: true });
        return { id, family, trials };
      },
      run,
      async finish(id, trial) {
        const attemptId = await run(id, trial);
        await store.endAttempts([{ attemptId, end: endOf('succeeded') }]);
        await store.recordOutcomes(id, [
          { trialId: trial.id, state: 'succeeded', message: null, result: resultOf(trial, attemptId) },
        ]);
      },
    });
  });
}

export function attemptOf(id: string, trial: PlannedTrial, attempt: number): string {
  return `${id}-${trial.id.slice(0, 16)}-${attempt}`;
}

export function endOf(outcome: AttemptEnd['outcome']): AttemptEnd {
  return { outcome, message: `it ${outcome}`, exitCode: 0, node: null, endedAt: AT };
}
