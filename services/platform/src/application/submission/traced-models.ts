/** Models whose family has no formulas: their training steps are traced, where there is a tracer. */
import type { ModelRef } from '@lamina/domain/contract/settings.ts';
import { wantedTraces } from '@lamina/domain/matrix/estimate.ts';
import { type TracedModel, type TraceProfile, traceKey, traceRun } from '@lamina/domain/memory/traced.ts';
import type { ExperimentDocument } from '@lamina/domain/spec/document.ts';
import { canonical } from '@lamina/domain/vocabulary/canonical.ts';
import type { Tracer } from '../ports/tracer.ts';
import { depthOf } from './model-config.ts';

/** An answer waits for traces no longer than this. */
const WITHIN_MS = 8000;

export type TracedOrWhy = { readonly model: TracedModel } | { readonly message: string };

export interface Untraced {
  readonly model: ModelRef;
  readonly config: Readonly<Record<string, unknown>>;
}

/** By `canonical` of the model. Never fails, and takes at most eight seconds. */
export async function tracedModels(
  document: ExperimentDocument,
  models: readonly Untraced[],
  tracer: Tracer | null,
): Promise<ReadonlyMap<string, TracedOrWhy>> {
  const configs = new Map(models.map(({ model, config }) => [canonical(model), config]));
  const kind = ({ config }: Untraced) => `no formulas for models of type '${String(config['model_type'])}'`;
  if (tracer === null) {
    const without = 'and no trainer here that could trace one';
    return new Map(models.map((each) => [canonical(each.model), { message: `${kind(each)}, ${without}` }]));
  }
  const wanted = wantedTraces(document, (model) => depthOf(configs.get(canonical(model)) ?? {}));
  const profiles = new Map<string, Map<string, TraceProfile>>();
  const reasons = new Map<string, string>();
  await Promise.all(
    wanted.map(async ({ model, settings }) => {
      const key = canonical(model);
      const config = configs.get(key);
      if (config === undefined) return;
      const run = traceRun(settings);
      const answer = await tracer.trace({ config, run, microBatch: settings.microBatch }, WITHIN_MS);
      if (answer === null) return;
      if ('error' in answer) reasons.set(key, answer.error);
      else profiles.set(key, (profiles.get(key) ?? new Map()).set(traceKey(settings), answer.profile));
    }),
  );
  return new Map(
    models.map((each): [string, TracedOrWhy] => {
      const key = canonical(each.model);
      const own = profiles.get(key);
      const [first] = own?.values() ?? [];
      if (own === undefined || first === undefined)
        return [
          key,
          {
            message: `${kind(each)}: ${reasons.get(key) ?? (depthOf(each.config) === null ? 'its config.json does not say how many layers there are' : 'its step could not be traced in time: ask again')}`,
          },
        ];
      return [key, { model: { layers: first.layers, fused: first.fused, profiles: own } }];
    }),
  );
}
