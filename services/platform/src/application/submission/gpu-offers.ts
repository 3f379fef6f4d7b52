/** What submissions and estimates choose GPUs from: the inventory, and margins learned from trials on its classes. */
import type { GpuInventory } from '@lamina/domain/contract/gpus.ts';
import type { ModelRef, TrialSettings } from '@lamina/domain/contract/settings.ts';
import type { GpuOffer } from '@lamina/domain/matrix/context.ts';
import type { GpuClass } from '@lamina/domain/memory/classes.ts';
import type { MemoryModel } from '@lamina/domain/memory/estimate.ts';
import { ASSUMED_MARGINS, type LearnedMargins, learnMargins } from '@lamina/domain/memory/learned.ts';
import type { ModelShape } from '@lamina/domain/memory/shape.ts';
import { canonical } from '@lamina/domain/vocabulary/canonical.ts';
import type { ExperimentStore } from '../ports/store.ts';
import type { Shapes } from './shapes.ts';

/** Measured cells that margins are taken from, the newest of all classes. */
const MOST_MEASURED = 500;
const FRESH_MS = 60_000;

export interface GpuOffers {
  /** Null where no worker has said which GPUs there are, or there are none. */
  offer(shapeOf: (model: ModelRef) => MemoryModel | null): Promise<GpuOffer | null>;
  plansThatWorked: ExperimentStore['plansThatWorked'];
}

export function createGpuOffers(store: ExperimentStore, modelShapes: Shapes): GpuOffers {
  let learned: { readonly key: string; readonly untilMs: number; readonly margins: Learned } | null = null;

  async function marginsFor(inventory: GpuInventory): Promise<Learned> {
    const key = inventory.classes.map(({ name, product }) => `${name} ${product}`).join('\n');
    if (learned === null || learned.key !== key || performance.now() > learned.untilMs) {
      const margins = await learn(store, modelShapes, inventory);
      learned = { key, untilMs: performance.now() + FRESH_MS, margins };
    }
    return learned.margins;
  }

  return {
    async offer(shapeOf) {
      const inventory = await store.getGpuInventory();
      if (inventory === null || inventory.classes.length === 0) return null;
      const margins = await marginsFor(inventory);
      return { inventory, shapeOf, marginsOf: (name) => margins.get(name) ?? ASSUMED_MARGINS };
    },
    plansThatWorked: (keys) => store.plansThatWorked(keys),
  };
}

type Learned = ReadonlyMap<string, LearnedMargins>;

async function learn(store: ExperimentStore, modelShapes: Shapes, inventory: GpuInventory): Promise<Learned> {
  const trials = await store.measuredOnGpus(MOST_MEASURED);
  const models = new Map(trials.map(({ settings }) => [canonical(settings.model), settings.model]));
  const shapes = new Map<string, ModelShape | null>();
  for (const [key, model] of models) shapes.set(key, await modelShapes.of(model));
  return learnMargins(inventory.classes, trials, (model) => shapes.get(canonical(model)) ?? null);
}

/** Classes and margins for an estimate; empty where there is nothing to choose from. */
export function choiceFrom(
  offer: GpuOffer | null,
  { gpuClass }: Pick<TrialSettings, 'gpuClass'> = { gpuClass: null },
): { readonly classes?: readonly GpuClass[]; readonly marginsOf?: GpuOffer['marginsOf'] } {
  if (offer === null) return {};
  const classes = offer.inventory.classes.flatMap(({ name, memoryBytes, perNode }): GpuClass[] =>
    memoryBytes === null || (gpuClass !== null && gpuClass !== name) ? [] : [{ name, memoryBytes, perNode }],
  );
  return classes.length === 0 ? {} : { classes, marginsOf: offer.marginsOf };
}
