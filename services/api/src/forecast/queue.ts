/** The queue as the forecast takes it, from what the store knows. */
import type { GpuInventory } from '@lamina/domain/contract/gpus.ts';
import { estimateDuration } from '@lamina/domain/forecast/duration.ts';
import { poolOf, poolSizes } from '@lamina/domain/forecast/pools.ts';
import type { Queue, QueueExperiment } from '@lamina/domain/forecast/queue.ts';
import type { DurationEstimate, PastTrial } from '@lamina/domain/forecast/types.ts';
import { modelKey, workOf } from '@lamina/domain/forecast/work.ts';
import type { OpenCell, OpenExperiment } from '@lamina/platform/application/ports/forecast-store.ts';

export interface Known {
  readonly history: readonly PastTrial[];
  readonly inventory: GpuInventory | null;
  /** GPUs that trials held when the inventory was taken. */
  readonly held: readonly { readonly gpuClass: string | null; readonly gpus: number }[];
  /** Product that trials run on where it is one machine's; null: not known. */
  readonly device: string | null;
}

export function queueOf(open: readonly OpenExperiment[], known: Known): Queue {
  const depths = new Map(known.history.map((past) => [past.modelKey, past.layersOriginal]));
  const byModel = Map.groupBy(known.history, (past) => past.modelKey);

  function estimate(cell: OpenCell, pool: string | null, parallel: number): DurationEstimate | null {
    const key = modelKey(cell.settings.model);
    const work = workOf(cell.settings, cell, cell.plan, depths.get(key) ?? null);
    const device = pool === null ? known.device : null;
    return estimateDuration(work, byModel.get(key) ?? [], { device, parallel });
  }

  const experiments = open.map(({ id, maxParallel, paused, cells, running, pending }): QueueExperiment => {
    const places = new Map(cells.map(({ cellId }, index) => [cellId, index]));
    return {
      id,
      maxParallel,
      paused,
      cells: cells.map((cell) => {
        const pool = poolOf(cell.plan, known.inventory);
        return { cellId: cell.cellId, gpus: cell.plan.gpus, pool, estimate: estimate(cell, pool, maxParallel) };
      }),
      running: running.map(({ cellId, ...attempt }) => ({ ...attempt, cell: places.get(cellId) ?? -1 })),
      pending: pending.map((cellId) => places.get(cellId) ?? -1),
    };
  });
  return { experiments, pools: poolSizes(known.inventory, known.held) };
}

/** Trials of other experiments that run or wait, and take GPUs from the same pools. */
export function trialsOfOthers({ experiments }: Queue, experiment: QueueExperiment): number {
  const pools = new Set(experiment.cells.flatMap(({ pool }) => (pool === null ? [] : [pool])));
  const others = experiments.filter((one) => one !== experiment);
  return others.reduce((sum, { cells, running, pending, paused }) => {
    const shares = (cell: number) => pools.has(cells[cell]?.pool ?? '');
    const waiting = paused ? 0 : pending.filter(shares).length;
    return sum + running.filter(({ cell }) => shares(cell)).length + waiting;
  }, 0);
}
