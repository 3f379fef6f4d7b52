/** Where a cell can run: the smallest class of GPU that it fits, and the plan it fits with. */
import type { GpuClassInventory, GpuInventory } from '../contract/gpus.ts';
import type { Plan } from '../contract/trial.ts';
import { type Choice, choosePlan } from '../memory/choose.ts';
import { isTraced } from '../memory/estimate.ts';
import { gpuCounts, memorySettings } from '../memory/from-settings.ts';
import { TRAINER_ASSUMPTIONS } from '../memory/learned.ts';
import { tracedParameters, traceSettings } from '../memory/traced.ts';
import type { ExperimentDocument } from '../spec/document.ts';
import type { Issue } from '../spec/parse.ts';
import { closest } from '../spec/suggest.ts';
import type { GpuOffer } from './context.ts';
import type { CellSettings } from './identity.ts';
import { initialPlan } from './plan.ts';
import type { Expansion } from './types.ts';
import { capabilityObjection, type Objection } from './validity.ts';

/** A class whose memory is known. */
type Sized = GpuClassInventory & { readonly memoryBytes: number };

type Placement = { readonly plan: Plan } | { readonly objection: Objection };

/**
 * The plan of a cell's first attempts, or why no GPU can run it. The settings stay as they are: a plan never changes
 * the effective batch, and so no trial's id.
 */
export function placeCell(settings: CellSettings, document: ExperimentDocument, offer: GpuOffer | null): Placement {
  const asked = initialPlan(settings, document.resources.memory);
  if (offer === null || asked.gpus === 0) return { plan: asked };
  const { classes } = offer.inventory;
  const named = settings.gpuClass === null ? classes : classes.filter(({ name }) => name === settings.gpuClass);
  if (named.length === 0) return { plan: asked };
  const able = named.filter((gpuClass) => objectionOf(settings, gpuClass) === null);
  if (able.length === 0) return { objection: nobodyCan(settings, named) };

  const sized = bySize(able.filter(isSized));
  const choice = chosen(settings, document, offer, sized);
  if (choice === null) return { plan: { ...asked, gpuClass: able.length === classes.length ? null : leastOf(able) } };
  if (choice.fits) {
    const { gpuClass, gpus, microBatch, accumulation, checkpointing } = choice.plan;
    return { plan: { ...asked, gpuClass: gpuClass.name, gpus, microBatch, accumulation, checkpointing } };
  }
  // A class whose memory is not known cannot be called too small.
  const unknown = able.find((gpuClass) => !isSized(gpuClass));
  if (unknown !== undefined) return { plan: { ...asked, gpuClass: unknown.name } };
  return { objection: { reason: 'does-not-fit', message: choice.message } };
}

/** Null where there is nothing to choose by: the model's configuration or the memory of the classes is not known. */
function chosen(
  settings: CellSettings,
  document: ExperimentDocument,
  offer: GpuOffer,
  classes: readonly Sized[],
): Choice | null {
  const shape = offer.shapeOf(settings.model);
  if (shape === null || classes.length === 0) return null;
  const { resources, estimate } = document;
  // The trainer shares only what a document assumes of its texts, not its other assumptions for estimates.
  const { longestTokens, meanTokens } = estimate;
  const given = memorySettings(settings, shape, { ...TRAINER_ASSUMPTIONS, longestTokens, meanTokens }, 'lamina');
  if (isTraced(shape) && !traceSettings(given).every((each) => tracedParameters(shape, each) !== null)) return null;
  const whole = { ...given, accumulation: given.accumulation * settings.gpus };
  const options = {
    counts: resources.gpus === null ? gpuCounts(settings) : [settings.gpus],
    marginsOf: ({ name }: { readonly name: string }) => offer.marginsOf(name).margins,
    risk: document.policy.memoryRisk,
  };
  // What takes pods now goes before what has no node at the moment.
  const present = choosePlan(
    shape,
    whole,
    classes.filter(({ total }) => total > 0),
    options,
  );
  return present.fits ? present : choosePlan(shape, whole, classes, options);
}

/** A class that the document names and nobody has; null where that cannot be said. */
export function gpuClassIssue({ resources }: ExperimentDocument, inventory: GpuInventory | null): Issue | null {
  const { gpuClass } = resources;
  if (gpuClass === null || inventory === null || inventory.classes.length === 0) return null;
  const names = inventory.classes.map(({ name }) => name);
  if (names.includes(gpuClass)) return null;
  const meant = closest(gpuClass, names);
  return {
    path: 'resources.gpuClass',
    message: `"${gpuClass}" is no class of GPU here; there are ${names.join(', ')}`,
    fix: meant === null ? 'leave it out, and the smallest that fits is taken' : `did you mean ${meant}?`,
  };
}

/**
 * Classes from small to large that a trial may move to when it turns out too large for its own: those that can compute
 * every cell, of equal ones the first and those that plans name. None where the document names one.
 */
export function gpuClassesFor(
  { trials, plans }: Pick<Expansion, 'trials' | 'plans'>,
  { resources }: ExperimentDocument,
  inventory: GpuInventory | null,
): readonly string[] {
  if (resources.gpuClass !== null || inventory === null) return [];
  const settings = trials.map((trial) => trial.settings).filter(({ gpus }) => gpus > 0);
  if (settings.length === 0) return [];
  const planned = new Set(Object.values(plans).map(({ gpuClass }) => gpuClass));
  const able = bySize(inventory.classes.filter(isSized)).filter((gpuClass) =>
    settings.every((each) => objectionOf(each, gpuClass) === null),
  );
  return able
    .filter(({ name, memoryBytes }, at) => planned.has(name) || able[at - 1]?.memoryBytes !== memoryBytes)
    .map(({ name }) => name);
}

function objectionOf(settings: CellSettings, { name, computeCapability }: GpuClassInventory): Objection | null {
  return capabilityObjection(settings, { name, computeCapability });
}

/** The objection of the class that comes closest. */
function nobodyCan(settings: CellSettings, classes: readonly GpuClassInventory[]): Objection {
  const best = classes.reduce((a, b) => (Number(b.computeCapability) > Number(a.computeCapability) ? b : a));
  const objection = objectionOf(settings, best);
  if (objection === null) throw new Error(`${best.name} can compute the cell`);
  return objection;
}

function leastOf(classes: readonly GpuClassInventory[]): string | null {
  return (bySize(classes.filter(isSized))[0] ?? classes[0])?.name ?? null;
}

function bySize(classes: readonly Sized[]): readonly Sized[] {
  return classes.toSorted((a, b) => a.memoryBytes - b.memoryBytes || (a.name < b.name ? -1 : 1));
}

function isSized(gpuClass: GpuClassInventory): gpuClass is Sized {
  return gpuClass.memoryBytes !== null;
}
