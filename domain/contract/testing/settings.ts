/** Settings of a trial whose numbers do not matter, for tests. */
import { fileDataset, type TrialSettings } from '../settings.ts';

export type SettingsChanges = Partial<Omit<TrialSettings, 'training' | 'evaluation'>> & {
  readonly training?: Partial<TrialSettings['training']>;
  readonly evaluation?: Partial<TrialSettings['evaluation']>;
};

export function sampleSettings(changes: SettingsChanges = {}): TrialSettings {
  return {
    ...SETTINGS,
    ...changes,
    training: { ...SETTINGS.training, ...changes.training },
    evaluation: { ...SETTINGS.evaluation, ...changes.evaluation },
  };
}

const SETTINGS: TrialSettings = {
  model: { source: 'gguf', path: '/models/a.gguf', fingerprint: null },
  layers: { strategy: 'list', indices: [0, 1, 5] },
  precision: 'nf4',
  computeDtype: 'fp16',
  method: 'qlora',
  dataset: fileDataset.parse({ source: 'file', path: '/data/a.jsonl', format: 'jsonl' }),
  training: {
    steps: 12,
    microBatch: 1,
    accumulation: 4,
    maxLength: 64,
    packing: true,
    learningRate: 2e-4,
    schedule: 'linear',
    warmupSteps: 0,
    optimizer: 'adamw',
    weightDecay: 0,
    adamBeta1: 0.9,
    adamBeta2: 0.999,
    adamEpsilon: 1e-8,
    maxGradNorm: 1,
    mixedPrecision: 'none',
    masterWeights: 'none',
    checkpointing: false,
    checkpointEvery: null,
    logEvery: 1,
    warmupMeasurements: 2,
  },
  lora: { r: 8, alpha: 16, dropout: 0, bias: 'none', targets: ['q_proj'], rslora: false },
  evaluation: {
    fraction: 0.1,
    maxTokens: 1024,
    microBatch: 1,
    beforeTraining: true,
    inference: null,
    gguf: null,
    tasks: null,
  },
  artifacts: { adapter: false, merged: false },
  seed: 1,
  gpuClass: null,
  gpus: 0,
};
