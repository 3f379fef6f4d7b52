/** Documents of the trainer's contract with plausible content, for tests in which the numbers do not matter. */

import { type TrialResult, trialResult } from '@lamina/domain/contract/result.ts';
import { sampleSettings } from '@lamina/domain/contract/testing/settings.ts';
import { PLAIN_PLAN, type TrialRequest } from '@lamina/domain/contract/trial.ts';
import { CONTRACT_VERSION } from '@lamina/domain/contract/units.ts';

export function sampleRequest(ids: {
  experimentId: string;
  trialId: string;
  attempt: number;
  attemptId: string;
}): TrialRequest {
  return {
    contract: CONTRACT_VERSION,
    ...ids,
    settings: sampleSettings({
      model: { source: 'path', path: '/nowhere', fingerprint: null },
      training: { steps: 1, accumulation: 1, maxLength: 16 },
    }),
    plan: PLAIN_PLAN,
    resume: false,
    paths: { output: '/nowhere', checkpoints: '/nowhere', cache: '/nowhere' },
    eventsUrl: null,
  };
}

export function sampleResult(ids: { trialId: string; attemptId: string }, status: TrialResult['status']): TrialResult {
  const evaluation = {
    loss: 2,
    lossStandardError: 0.1,
    perplexity: Math.exp(2),
    perplexityStandardError: 0.1 * Math.exp(2),
    accuracy: 0.4,
    tokens: 64,
    sequences: 4,
    seconds: 1,
    cached: false,
  };
  return trialResult.parse({
    contract: CONTRACT_VERSION,
    trialId: ids.trialId,
    attemptId: ids.attemptId,
    status,
    divergedAtStep: status === 'diverged' ? 1 : null,
    model: {
      architecture: 'sample',
      layersOriginal: 4,
      layersKept: [0, 1, 2, 3],
      parameters: 1_000,
      trainableParameters: 100,
      weightBytes: 2_000,
      quantizedParameters: 0,
      quantizedBytes: 0,
      bitsPerParameter: 16,
      quantizedBitsPerParameter: null,
    },
    computeDtype: 'fp32',
    raw: evaluation,
    trained: status === 'diverged' ? null : evaluation,
    training: {
      steps: 1,
      tokens: 16,
      samples: 1,
      losses: [{ step: 1, loss: status === 'diverged' ? null : 2 }],
      stepSeconds: [0.1],
      stepTokens: [16],
      warmupStepSeconds: [],
      tokensPerSecond: 160,
      samplesPerSecond: 10,
      resumedFromStep: null,
    },
    seconds: {
      imports: null,
      tokenizer: null,
      data: null,
      load: 0.1,
      quantize: null,
      evaluateRaw: 1,
      train: 0.1,
      evaluate: 1,
      total: 2.2,
    },
    memory: { peakAllocatedBytes: null, peakReservedBytes: null, peakProcessBytes: null, peakRssBytes: 1_000_000 },
    energyJoules: null,
    environment: {
      device: 'sample',
      deviceKind: 'cpu',
      driver: null,
      threads: 1,
      python: '3.11',
      libraries: {},
      trainerRevision: 'sample',
      datasetFingerprint: 'sample',
      evaluationFingerprint: 'sample',
      weightsFingerprint: null,
    },
    artifacts: [],
  });
}
