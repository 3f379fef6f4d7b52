/** Views of the API with made-up content, for tests. */
import type { ExperimentDetail, StreamEvent, TrialView } from '@lamina/domain/contract/api.ts';
import type { ExperimentForecastView } from '@lamina/domain/contract/forecast.ts';
import type { TrialState } from '@lamina/domain/vocabulary/states.ts';

export const AT = '2026-03-01T10:00:00.000Z';

export function experimentOf(more: Partial<ExperimentDetail> = {}): ExperimentDetail {
  return {
    id: 'e-1',
    name: 'quickstart',
    state: 'running',
    counts: {},
    total: 4,
    cells: 2,
    dropped: [],
    baselineCellId: 'cell-a',
    createdAt: AT,
    startedAt: AT,
    endedAt: null,
    forecast: forecastOf(90),
    blocked: null,
    document: {},
    cellList: ['a', 'b'].map((name) => ({
      id: `cell-${name}`,
      label: `${name === 'a' ? 18 : 9} layers · bf16`,
      model: { source: 'path', path: '/model', fingerprint: null },
      layers: { strategy: 'all' },
      precision: 'bf16',
      method: 'lora',
      parameters: {},
    })),
    ...more,
  };
}

/** Ends so many seconds after a minute past `AT`, give or take a third. */
export function forecastOf(seconds: number, more: Partial<ExperimentForecastView> = {}): ExperimentForecastView {
  const at = (later: number) => new Date(Date.parse(AT) + 60_000 + later * 1000).toISOString();
  return {
    madeAt: at(0),
    start: { low: at(0), median: at(0), high: at(0) },
    end: { low: at((seconds * 2) / 3), median: at(seconds), high: at((seconds * 4) / 3) },
    unknown: null,
    trialsOfOthers: 0,
    trialHours: { low: 0.9, median: 1, high: 1.5 },
    gpuHours: null,
    cost: null,
    pastError: { n: 0, medianError: null, coverage: null, widening: 1 },
    cells: [],
    ...more,
  };
}

export function trialViewOf(cell: 'a' | 'b', seed: number, more: Partial<TrialView> = {}): TrialView {
  return {
    id: `${cell}${seed}`.padEnd(64, '0'),
    experimentId: 'e-1',
    cellId: `cell-${cell}`,
    label: `${cell === 'a' ? 18 : 9} layers · bf16`,
    seed,
    state: 'pending',
    attempts: 0,
    message: null,
    reusedFrom: null,
    phase: null,
    step: null,
    steps: null,
    waiting: null,
    raw: null,
    trained: null,
    tokensPerSecond: null,
    startedAt: null,
    endedAt: null,
    ...more,
  };
}

export const FOUR_TRIALS = [trialViewOf('a', 1), trialViewOf('a', 2), trialViewOf('b', 1), trialViewOf('b', 2)];

export function trialEvent(
  cell: 'a' | 'b',
  seed: number,
  state: TrialState,
  attempts = 1,
  message: string | null = null,
) {
  const data = {
    trialId: trialViewOf(cell, seed).id,
    cellId: `cell-${cell}`,
    seed,
    state,
    attempts,
    message,
    counts: {},
  };
  return { type: 'trial', data } satisfies StreamEvent;
}

export function stepEvent(cell: 'a' | 'b', seed: number, step: number, loss = 3) {
  const trialId = trialViewOf(cell, seed).id;
  const data = {
    attemptId: 'x',
    trialId,
    phase: 'training',
    step,
    steps: 60,
    loss,
    tokensPerSecond: 145.4,
    memoryBytes: 1.25 * 2 ** 30,
  };
  return { type: 'metrics', data: { ...data, phase: 'training' } } satisfies StreamEvent;
}
