/** An attempt as the worker launches it, for tests of manifests and of what reads them. */
import { attemptRef } from '@lamina/domain/contract/attempt.ts';
import {
  API_KEY_VARIABLE,
  DATASET_TRIAL,
  type GenerateRequest,
  generationSpec,
} from '@lamina/domain/contract/generation.ts';
import type { AttemptLaunch } from '@lamina/domain/contract/runner.ts';
import { sampleSettings } from '@lamina/domain/contract/testing/settings.ts';
import { PLAIN_PLAN, type Plan, type TrialRequest } from '@lamina/domain/contract/trial.ts';
import { CONTRACT_VERSION } from '@lamina/domain/contract/units.ts';

const EXPERIMENT = 'e-01kb0c9h3v7m2x9dqk';
const TRIAL = '7c2d1f0e9b8a7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d';
const ARTIFACTS = '/var/lib/lamina/artifacts';

export function sampleLaunch(
  change: { readonly plan?: Partial<Plan>; readonly launch?: Partial<AttemptLaunch>; readonly attempt?: number } = {},
): AttemptLaunch {
  const attempt = change.attempt ?? 1;
  const ids = attemptRef(EXPERIMENT, { trialId: TRIAL, attempt });
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
    settings: sampleSettings({ gpuClass: plan.gpuClass, gpus: plan.gpus }),
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

/** An attempt to generate a dataset, with a key from a Secret. */
export function sampleGeneration(
  apiKeySecret: { readonly name: string; readonly key: string } | null,
): AttemptLaunch<GenerateRequest> {
  const ids = attemptRef(EXPERIMENT, { trialId: DATASET_TRIAL, attempt: 1 });
  const request: GenerateRequest = {
    contract: CONTRACT_VERSION,
    kind: 'generate',
    ...ids,
    spec: generationSpec.parse({
      prompts: { source: 'topics', topics: ['tides'], templates: ['Explain {topic}.'] },
      endpoint: {
        baseUrl: 'https://host/v1',
        model: 'writer',
        ...(apiKeySecret === null ? {} : { apiKeySecret, apiKeyVariable: API_KEY_VARIABLE }),
      },
    }),
    plan: { ...PLAIN_PLAN, memoryBytes: 2 * 2 ** 30 },
    paths: {
      output: `${ARTIFACTS}/experiments/${EXPERIMENT}/trials/${DATASET_TRIAL}/attempts/1`,
      checkpoints: `${ARTIFACTS}/generated`,
      cache: '/var/cache/lamina',
      datasets: `${ARTIFACTS}/datasets`,
    },
    eventsUrl: null,
  };
  return { ...ids, request, token: 'token-of-the-attempt', deadlineSeconds: null, graceSeconds: 60 };
}
