/** What a run carries into its next history is read in every version that was ever written. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { INPUT_VERSION } from '@lamina/domain/contract/workflow.ts';
import type { RecordOrder } from '@lamina/domain/run/commands.ts';
import type { PlanHint } from '@lamina/domain/run/hints.ts';
import { initialState, type RunState, STATE_VERSION } from '@lamina/domain/run/protocol/state.ts';
import { step } from '@lamina/domain/run/protocol/step.ts';
import {
  EXPERIMENT_INPUT_STEPS,
  SEARCH_INPUT_STEPS,
  STATE_STEPS,
  upgradedExperimentInput,
  upgradedSearchInput,
  upgradedState,
} from '@lamina/domain/run/protocol/versions.ts';
import type { ActiveTrial, RunPolicy } from '@lamina/domain/run/types.ts';
import { FAST_POLICY } from '../support/orchestra.ts';
import { readHistory, recordedFiles } from './histories.ts';

/** One state of each version; those of versions that were released are on the corpus's list. */
const STATES = join(import.meta.dirname, 'states');

function stateOf(version: number): Record<string, unknown> {
  return JSON.parse(readFileSync(join(STATES, `${version}.json`), 'utf8'));
}

/** Every field of what is carried, by hand: the compiler notices one that is missing or new. */
const FIELDS = {
  state: {
    ...{ version: 1, policy: 1, status: 1, active: 1, records: 1, stops: 1, statusUnsaved: 1, cancelPending: 1 },
    ...{ inFlight: 1, nextBatch: 1, exhausted: 1, wakes: 1, reconcileDue: 1, finishHeld: 1, early: 1, hints: 1 },
    recorded: 1,
  } satisfies Record<keyof RunState, 1>,
  policy: {
    ...{ maxParallel: 1, attempts: 1, maxAttempts: 1, backoff: 1, trialDeadlineSeconds: 1, startDeadlineSeconds: 1 },
    ...{ stallSeconds: 1, graceSeconds: 1, reconcileMs: 1, maxMemoryBytes: 1, gpuClasses: 1 },
    ...{ pauseAfterGpuFault: 1 },
  } satisfies Record<keyof RunPolicy, 1>,
  trial: {
    ...{ trialId: 1, attempt: 1, firstAttempt: 1, strikes: 1, stalls: 1, plan: 1, replanned: 1, likeKey: 1, phase: 1 },
    ...{ stopReason: 1, pruneMessage: 1, waitedFor: 1, dueAtMs: 1 },
  } satisfies Record<keyof ActiveTrial, 1>,
  record: { trialId: 1, attempt: 1, end: 1, state: 1, message: 1 } satisfies Record<keyof RecordOrder, 1>,
  hint: { gpuClass: 1, microBatch: 1, accumulation: 1, checkpointing: 1, memoryBytes: 1 } satisfies Record<
    keyof PlanHint,
    1
  >,
};

const fieldsOf = (...values: readonly object[]) =>
  [...new Set(values.flatMap((value) => Object.keys(value)))].toSorted();

test('there is a state of every version', () => {
  assert.equal(STATE_STEPS.length, STATE_VERSION);
  const versions = Array.from({ length: STATE_VERSION + 1 }, (_, version) => `${version}.json`);
  assert.deepEqual(readdirSync(STATES).toSorted(), versions);
});

test('the fields of the latest version are those of its state: a field that is added is a new version', () => {
  const latest = stateOf(STATE_VERSION) as unknown as RunState;
  assert.equal(latest.version, STATE_VERSION);
  assert.deepEqual(fieldsOf(latest), fieldsOf(FIELDS.state));
  assert.deepEqual(fieldsOf(initialState(FAST_POLICY, 'running')), fieldsOf(FIELDS.state));
  assert.deepEqual(fieldsOf(latest.policy), fieldsOf(FIELDS.policy));
  assert.deepEqual(fieldsOf(...Object.values(latest.active)), fieldsOf(FIELDS.trial));
  assert.deepEqual(fieldsOf(...latest.records), fieldsOf(FIELDS.record));
  assert.deepEqual(fieldsOf(...Object.values(latest.hints)), fieldsOf(FIELDS.hint));
});

test('a state of any version becomes one of today, and a run goes on with it', () => {
  for (let version = 0; version <= STATE_VERSION; version += 1) {
    const state = upgradedState(stateOf(version));
    assert.deepEqual(fieldsOf(state), fieldsOf(FIELDS.state), `version ${version}`);
    const { commands } = step(state, { type: 'dispatch', atMs: 0 });
    assert.deepEqual(
      commands?.records.map(({ trialId }) => trialId),
      state.records.map(({ trialId }) => trialId),
    );
    assert.equal(
      commands?.reconcile,
      Object.values(state.active).some(({ phase }) => phase !== 'waiting' && phase !== 'recording'),
    );
  }
});

test('state, 0 to 1: what release 0.1.0 carried gets a version and keeps everything else', () => {
  const carried = stateOf(0);
  assert.equal('version' in carried, false);
  assert.deepEqual(STATE_STEPS[0]?.(carried), { ...carried, version: 1 });
});

test('state, 1 to 2: a policy that says nothing of pauses after GPU faults still says nothing', () => {
  const carried = stateOf(1);
  assert.deepEqual(STATE_STEPS[1]?.(carried), { ...carried, version: 2 });
  assert.equal(upgradedState(carried).policy.pauseAfterGpuFault, undefined);
});

test('inputs, 0 to 1: what release 0.1.0 was started with gets a version and keeps everything else', () => {
  assert.deepEqual([EXPERIMENT_INPUT_STEPS.length, SEARCH_INPUT_STEPS.length], [INPUT_VERSION, INPUT_VERSION]);
  const input = { experimentId: 'e', stage: 'preparation', carried: { status: 'running' } };
  assert.deepEqual(EXPERIMENT_INPUT_STEPS[0]?.(input), { ...input, version: 1 });
  assert.deepEqual(upgradedExperimentInput(input), { ...input, version: 1 });
  assert.deepEqual(SEARCH_INPUT_STEPS[0]?.({ experimentId: 'e' }), { experimentId: 'e', version: 1 });
  assert.deepEqual(upgradedSearchInput({ experimentId: 'e' }), { experimentId: 'e', version: 1 });
});

test('what is of today stays as it is, and what a later build wrote is refused', () => {
  const latest = stateOf(STATE_VERSION);
  assert.deepEqual(upgradedState(latest), latest);
  const later = { ...latest, version: STATE_VERSION + 1 };
  assert.throws(() => upgradedState(later), /state of a run has version 3.* a later build wrote it/);
  const input = { experimentId: 'e', version: INPUT_VERSION + 1 };
  assert.throws(() => upgradedExperimentInput(input), /input of an experiment has version 2/);
  assert.throws(() => upgradedSearchInput(input), /input of a search has version 2/);
});

test('whatever recorded histories carry on is read', () => {
  let read = 0;
  for (const file of recordedFiles()) {
    const ended = readHistory(file).events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes;
    const data = ended?.input?.payloads?.[0]?.data;
    if (data == null) continue;
    const { carried } = JSON.parse(Buffer.from(data).toString());
    if (carried === undefined) continue;
    assert.deepEqual(fieldsOf(upgradedState(carried)), fieldsOf(FIELDS.state), file);
    read += 1;
  }
  assert.ok(read >= 8);
});
