/** An attempt as the worker launches it, for tests of manifests and of what reads them. */
import type { AttemptLaunch } from '@lamina/domain/contract/runner.ts';
import { CONTRACT_VERSION, type Plan, type TrialRequest } from '@lamina/domain/contract/trial.ts';
import { attemptIdOf } from '@lamina/domain/run/attempt-id.ts';

const EXPERIMENT = 'e-01kb0c9h3v7m2x9dqk';
const TRIAL = '7c2d1f0e9b8a7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d';
const ARTIFACTS = '/var/lib/lamina/artifacts';

export function sampleLaunch(
  change: { readonly plan?: Partial<Plan>; readonly launch?: Partial<AttemptLaunch>; readonly attempt?: number } = {},
): AttemptLaunch {
  const attempt = change.attempt ?? 1;
  const ids = {
    experimentId: EXPERIMENT,
    trialId: TRIAL,
    attempt,
    attemptId: attemptIdOf(EXPERIMENT, TRIAL, attempt),
  };
  const trial = `${ARTIFACTS}/experiments/${EXPERIMENT}/trials/${TRIAL}`;
  const plan: Plan = {
    gpuClass: null,
    gpus: 1,
    microBatch: 4,
    accumulation: 2,
    checkpointing: false,
    memoryBytes: null,
    excludedNodes: [],
    ...change.plan,
  };
  const request: TrialRequest = {
    contract: CONTRACT_VERSION,
    ...ids,
    settings: { ...SETTINGS, gpuClass: plan.gpuClass, gpus: plan.gpus },
    plan,
    resume: attempt > 1,
    paths: {
      output: `${trial}/attempts/${attempt}`,
      checkpoints: `${trial}/checkpoints`,
      cache: '/var/cache/lamina',
    },
    eventsUrl: `http://lamina.lamina.svc:7071/v1/attempts/${ids.attemptId}/events`,
  };
  return { ...ids, request, token: 'token-of-the-attempt', deadlineSeconds: 7200, graceSeconds: 60, ...change.launch };
}

const SETTINGS: TrialRequest['settings'] = {
  model: { source: 'hf', id: 'google/gemma-3-270m', revision: 'main' },
  layers: { strategy: 'first', keep: 12 },
  precision: 'nf4',
  computeDtype: 'auto',
  method: 'qlora',
  dataset: {
    source: 'file',
    path: '/mnt/data/notes.jsonl',
    format: 'jsonl',
    fields: { text: 'text' },
    fingerprint: null,
  },
  training: {
    steps: 100,
    microBatch: 4,
    accumulation: 2,
    maxLength: 512,
    packing: true,
    learningRate: 2e-4,
    schedule: 'constant',
    warmupSteps: 0,
    optimizer: 'adamw',
    weightDecay: 0,
    adamBeta1: 0.9,
    adamBeta2: 0.999,
    adamEpsilon: 1e-8,
    maxGradNorm: 1,
    mixedPrecision: 'none',
    checkpointing: false,
    checkpointEvery: 50,
    logEvery: 1,
    warmupMeasurements: 2,
  },
  lora: { r: 8, alpha: 16, dropout: 0, bias: 'none', targets: 'all-linear', rslora: false },
  evaluation: { fraction: 0.1, maxTokens: 4096, microBatch: 1, beforeTraining: true },
  seed: 1,
  gpuClass: null,
  gpus: 1,
};
