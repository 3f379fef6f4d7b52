/** What GPUs there are, from the nodes that are watched and one list of pods, kept for a while. */
import type { V1Node, V1Pod } from '@kubernetes/client-node';
import type { GpuInventory } from '@lamina/domain/contract/gpus.ts';
import type { ClusterClient } from '../client/client.ts';
import { isClusterError } from '../client/errors.ts';
import { PODS } from '../client/resources.ts';
import { gpuClassesOf } from '../inventory/classes.ts';
import type { KubernetesSettings } from '../settings/settings.ts';
import { slimPod } from '../watch/slim.ts';

const KEPT_MS = 15_000;

export interface InventoryOptions {
  readonly client: ClusterClient;
  readonly settings: KubernetesSettings;
  readonly source: string;
  nodes(): readonly V1Node[];
  /** Why the nodes are not known; null where they are. `nodes` says nothing before it resolves. */
  problem(): Promise<string | null>;
  /** What else limits the answer. */
  note(): Promise<string | null>;
}

export function createInventory(options: InventoryOptions): () => Promise<GpuInventory> {
  const { client, settings, source } = options;
  let known: { readonly inventory: Promise<GpuInventory>; readonly untilMs: number } | null = null;

  async function take(): Promise<GpuInventory> {
    const pods = await podsOfAll(client);
    const problem = await options.problem();
    const notes = [
      problem === null ? null : `The nodes cannot be seen: ${problem}`,
      pods === null ? 'Pods of other namespaces cannot be seen, so it is not known which GPUs are free.' : null,
      await options.note(),
    ].filter((note) => note !== null);
    return {
      source,
      at: new Date().toISOString(),
      classes: gpuClassesOf(options.nodes(), pods, settings),
      note: notes.length === 0 ? null : notes.join(' '),
    };
  }

  return () => {
    if (known === null || performance.now() >= known.untilMs) {
      const inventory = take();
      inventory.catch(() => {
        known = null;
      });
      known = { inventory, untilMs: performance.now() + KEPT_MS };
    }
    return known.inventory;
  };
}

/** Null where the account may not see them. */
async function podsOfAll(client: ClusterClient): Promise<readonly V1Pod[] | null> {
  const fieldSelector = 'status.phase!=Succeeded,status.phase!=Failed';
  try {
    return (await client.list(PODS, { namespace: null, fieldSelector }, slimPod)).items;
  } catch (error) {
    if (isClusterError(error, 'lacks-permission')) return null;
    throw error;
  }
}
