/** Settings that fit the cluster as it is: its queues are used where Kueue is there to empty them. */
import type { ClusterClient, ClusterLog } from '../client/client.ts';
import type { KubernetesSettings } from '../settings/settings.ts';
import { findWorkloads, QUEUES_WITHOUT_KUEUE, usesQueues, withoutQueues } from './find.ts';

export interface FittingSettings {
  /** Rejects where the cluster cannot be spoken to. */
  current(): Promise<KubernetesSettings>;
  /** Why they are not those that were given; null where they are. */
  note(): Promise<string | null>;
}

/** Kueue may be installed while we run. */
const ABSENT_MS = 60_000;

/** Where no queue is named nothing is asked; once Kueue has been found it is not asked again. */
export function fittingSettings(
  client: Pick<ClusterClient, 'get'>,
  settings: KubernetesSettings,
  log: ClusterLog,
): FittingSettings {
  let known = { usable: Promise.resolve(!usesQueues(settings)), untilMs: usesQueues(settings) ? 0 : Infinity };

  function usable(): Promise<boolean> {
    if (performance.now() < known.untilMs) return known.usable;
    const asked = { usable: find(), untilMs: performance.now() + ABSENT_MS };
    asked.usable.then(
      (found) => {
        if (found) asked.untilMs = Infinity;
        else log.warn({}, QUEUES_WITHOUT_KUEUE);
      },
      () => {
        asked.untilMs = 0;
      },
    );
    known = asked;
    return asked.usable;
  }

  async function find(): Promise<boolean> {
    return (await findWorkloads(client)) !== null;
  }

  return {
    current: async () => ((await usable()) ? settings : withoutQueues(settings)),
    note: async () => ((await usable()) ? null : QUEUES_WITHOUT_KUEUE),
  };
}
