/** Ends of attempts and outcomes of trials into the store; results come from the artifact store. */
import { attemptRef } from '@lamina/domain/contract/attempt.ts';
import { type TrialResult, trialResult } from '@lamina/domain/contract/result.ts';
import type { AttemptEnd } from '@lamina/domain/contract/runner.ts';
import type { RecordOrder } from '@lamina/domain/run/commands.ts';
import type { DispatchResult } from '@lamina/domain/run/events.ts';
import { type ArtifactStore, attemptFolder } from '@lamina/platform/artifacts.ts';
import type { TrialOutcome } from '@lamina/platform/store.ts';
import { z } from 'zod';
import type { ActivityDependencies } from './dependencies.ts';

type Recorder = (experimentId: string, orders: readonly RecordOrder[]) => Promise<DispatchResult['refused']>;

interface Recorded {
  readonly order: RecordOrder;
  readonly result: TrialResult | null;
  /** Why the result of a success cannot be used; null where nothing is wrong. */
  readonly refusal: string | null;
}

export function createRecorder({ store, artifacts, runner }: ActivityDependencies): Recorder {
  return async (experimentId, orders) => {
    if (orders.length === 0) return [];
    const recorded = await Promise.all(orders.map((order) => withResult(artifacts, experimentId, order)));
    const ends = recorded.flatMap(({ order, refusal }) =>
      order.end === null
        ? []
        : [{ attemptId: attemptRef(experimentId, order).attemptId, end: endOf(order.end, refusal) }],
    );
    await store.endAttempts(ends);
    const outcomes = recorded.flatMap(({ order, result, refusal }) =>
      order.state === null || refusal !== null ? [] : [outcomeOf(order, order.state, result)],
    );
    await store.recordOutcomes(experimentId, outcomes);
    const ended = recorded.filter(({ order }) => order.end !== null);
    await runner.forget(ended.map(({ order }) => attemptRef(experimentId, order)));
    return recorded.flatMap(({ order: { trialId, attempt }, refusal }) =>
      refusal === null ? [] : [{ trialId, attempt, message: refusal }],
    );
  };
}

async function withResult(artifacts: ArtifactStore, experimentId: string, order: RecordOrder): Promise<Recorded> {
  if (order.state !== 'succeeded' && order.state !== 'diverged') return { order, result: null, refusal: null };
  const content = await artifacts.read(`${attemptFolder({ experimentId, ...order })}/result.json`);
  if (content === null) return { order, result: null, refusal: 'the trainer succeeded without writing result.json' };
  const result = parseResult(content);
  if (typeof result === 'string') return { order, result: null, refusal: `result.json is not valid: ${result}` };
  if (result.trialId !== order.trialId) {
    return { order, result: null, refusal: `result.json is of another trial, ${result.trialId}` };
  }
  return { order, result, refusal: null };
}

/** The result, or what is wrong with it. */
function parseResult(content: Uint8Array): TrialResult | string {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(content));
  } catch (error) {
    return (error as Error).message;
  }
  const parsed = trialResult.safeParse(document);
  return parsed.success ? parsed.data : z.prettifyError(parsed.error);
}

function endOf(end: AttemptEnd, refusal: string | null): AttemptEnd {
  return refusal === null ? end : { ...end, outcome: 'crashed', message: refusal };
}

/** The result says whether training diverged; a runner that only saw the exit code may not know. */
function outcomeOf(order: RecordOrder, state: TrialOutcome['state'], result: TrialResult | null): TrialOutcome {
  const { trialId, message } = order;
  if (result?.status !== 'diverged') return { trialId, state, message, result };
  const why = message ?? `the loss is not finite from step ${result.divergedAtStep ?? 'unknown'} on`;
  return { trialId, state: 'diverged', message: why, result };
}
