/** The output of a trainer's container: followed across cut connections without a line lost or said twice. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { ClusterClient, ClusterLog } from '../client/client.ts';
import { isClusterError } from '../client/errors.ts';
import { linesOf } from '../client/lines.ts';
import { TRAINER_CONTAINER } from '../labels.ts';
import { LogPlace } from './place.ts';

export interface FollowOptions {
  readonly client: ClusterClient;
  readonly log: ClusterLog;
  readonly follow: boolean;
  readonly signal: AbortSignal;
  /** The pod as it is now; `over`: no more output can come. */
  look(): Promise<{ readonly pod: V1Pod | null; readonly over: boolean }>;
}

const LOOK_AGAIN_MS = 1_000;

export async function* followLog(options: FollowOptions): AsyncGenerator<Uint8Array> {
  const { client, log, follow, signal, look } = options;
  const encoder = new TextEncoder();
  let place: LogPlace | null = null;
  let of: string | undefined;
  while (!signal.aborted) {
    const { pod, over } = await look();
    const name = pod?.metadata?.name;
    const container = pod === null ? 'none' : stateOf(pod);
    if (name !== undefined && container !== 'none') {
      // Another pod of the attempt begins its own log.
      if (place === null || of !== name) place = new LogPlace();
      of = name;
      const ask = { container: TRAINER_CONTAINER, follow, timestamps: true, sinceTime: place.sinceTime };
      try {
        for await (const line of linesOf(client.log(name, ask, signal))) {
          const text = place.take(line);
          if (text !== null) yield encoder.encode(`${text}\n`);
        }
        if (!follow || container === 'ended') return;
      } catch (error) {
        if (signal.aborted || isClusterError(error, 'not-found')) return;
        if (!follow) throw error;
        log.info({ err: error, pod: name }, 'the log is cut; going on where it was');
      }
    }
    if (over || !follow) return;
    await sleep(LOOK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
}

function stateOf({ status }: V1Pod): 'none' | 'running' | 'ended' {
  const state = status?.containerStatuses?.find(({ name }) => name === TRAINER_CONTAINER)?.state;
  if (state?.terminated != null) return 'ended';
  return state?.running == null ? 'none' : 'running';
}
