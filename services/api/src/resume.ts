import type { ExperimentControl } from '@lamina/platform/application/ports/control.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import type { Logger } from '@lamina/platform/process/logging.ts';

/** Whatever was running when the last process ended goes on; starting a run that is there changes nothing. */
export async function resumeExperiments(
  store: ExperimentStore,
  control: ExperimentControl,
  log: Logger,
): Promise<void> {
  for (const state of ['pending', 'running', 'paused', 'cancelling'] as const) {
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<ExperimentStore['listExperiments']>> = await store.listExperiments({
        limit: 100,
        cursor,
        state,
      });
      for (const experiment of page.items) {
        log.info({ experimentId: experiment.id, state }, 'experiment goes on');
        await control.start(experiment.id);
        if (await store.hasSearch(experiment.id)) await control.search(experiment.id);
      }
      cursor = page.nextCursor;
    } while (cursor !== null);
  }
}
