/** The experiment workflow's activities: closures over what they need. Each may run again, and then changes nothing. */
import { generationPolicy } from '@lamina/domain/run/dataset-generation.ts';
import type { BegunRun, ExperimentActivities } from '@lamina/workflows/activities.ts';
import { createAdvance } from './advance.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { createGenerationWork } from './generation.ts';
import { createObserver } from './observe.ts';
import { createTrialWork, existing, stopAlive } from './trials.ts';

export function createExperimentActivities(deps: ActivityDependencies): ExperimentActivities {
  const { store, search } = deps;
  const observe = createObserver(deps, Date.now());
  const advanceTrials = createAdvance(deps, createTrialWork(deps), observe);

  return {
    async begin(experimentId): Promise<BegunRun> {
      const { policy, state } = await existing(store, experimentId);
      await stopAlive(deps, experimentId, policy.graceSeconds);
      await store.beginRun(experimentId);
      await search.startSearch(experimentId);
      const isPreparing = (await store.beginPreparation(experimentId)) !== null;
      const run = isPreparing ? { policy: generationPolicy(policy), preparing: true } : { policy };
      if (state === 'paused' || state === 'cancelling') return { ...run, status: state };
      await store.setExperimentState(experimentId, 'running');
      return { ...run, status: 'running' };
    },

    prepare: createAdvance(deps, createGenerationWork(deps), observe),

    async advance(input) {
      const done = await advanceTrials(input);
      const { setState, records } = input.commands;
      if (setState !== null || records.length > 0 || done.finished !== null) {
        const over = setState === 'cancelling' || done.finished !== null;
        await search.tellSearch(input.experimentId, { over });
      }
      return done;
    },
  };
}
