/** From a suggestion to the trial that tries it. */
import type { TrialSettings } from '../contract/settings.ts';
import type { Plan } from '../contract/trial.ts';
import { cellId, trialId } from '../matrix/identity.ts';
import { settingLabel } from '../matrix/label.ts';
import type { PlannedTrial, Scalar } from '../matrix/types.ts';
import { SETTING_PATHS } from '../spec/axes.ts';
import type { ParameterValues } from './types.ts';

/** Digits of a searched number in a label. */
const LABEL_DIGITS = 3;

/**
 * The trial of a suggestion: the base with the parameters set by their paths, in the base's seed. Ids are made as
 * those of the matrix are, so that a suggestion that equals another trial is that trial. Adapter settings are left out
 * where the base has no adapters, and so is the choice of the cell. Left out as well is what takes time besides training
 * and scoring, and no objective looks at: GGUF files, speed of inference, tasks and kept models.
 */
export function suggestedTrial(base: PlannedTrial, parameters: ParameterValues, trainerRevision: string): PlannedTrial {
  const applied = SETTING_PATHS.flatMap((path) => {
    const value = parameters[path];
    return value === undefined || (path.startsWith('lora.') && base.settings.lora === null) ? [] : [{ path, value }];
  });
  const settings = applied.reduce<TrialSettings>(
    (all, { path, value }) => withSetting(all, path, value),
    withoutExtras(base.settings),
  );
  const { seed: _, ...cellSettings } = settings;
  const values: Record<string, Scalar> = { ...base.cell.parameters };
  for (const { path, value } of applied) values[path] = value;
  const words = applied.map(({ path, value }) => settingLabel(path, shortened(value)));
  const label = [base.cell.label, ...words].join(' · ');
  return {
    id: trialId(settings, trainerRevision),
    cell: { ...base.cell, id: cellId(cellSettings), label, parameters: values },
    settings,
  };
}

/** What the first attempt of a suggestion's trial runs with: as its base does, in the batches that it suggests. */
export function suggestedPlan(base: Plan, { training }: Pick<TrialSettings, 'training'>): Plan {
  const { microBatch, accumulation, checkpointing } = training;
  return { ...base, microBatch, accumulation, checkpointing };
}

function withoutExtras(settings: TrialSettings): TrialSettings {
  const evaluation = { ...settings.evaluation, inference: null, gguf: null, tasks: null };
  return { ...settings, evaluation, artifacts: { adapter: false, merged: false } };
}

function withSetting(settings: TrialSettings, path: string, value: Scalar): TrialSettings {
  if (path === 'quantization.computeDtype')
    return { ...settings, computeDtype: value as TrialSettings['computeDtype'] };
  const [section, key] = path.split('.') as ['training' | 'lora', string];
  return { ...settings, [section]: { ...settings[section], [key]: value } };
}

function shortened(value: Scalar): Scalar {
  return typeof value === 'number' ? Number(value.toPrecision(LABEL_DIGITS)) : value;
}
