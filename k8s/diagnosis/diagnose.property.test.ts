import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { PENDING_KINDS } from '@lamina/domain/contract/pending.ts';
import { EXIT_CODES, FAILURE_CLASSES } from '@lamina/domain/failures/registry.ts';
import fc from 'fast-check';
import type { AttemptEvidence } from '../evidence.ts';
import { diagnose } from './diagnose.ts';
import { pendingReason } from './pending/pending.ts';
import { evidence, pod, terminated } from './testing/built.ts';
import { recorded, recordingNames } from './testing/recordings.ts';

const OUTCOMES: readonly string[] = ['succeeded', 'diverged', ...FAILURE_CLASSES];

/** Words that rules look for, so that random objects come near them. */
const word = fc.constantFrom(
  'Evicted',
  'OOMKilled',
  'StartError',
  'DisruptionTarget',
  'EvictionByEvictionAPI',
  'DeletionByTaintManager',
  'DeadlineExceeded',
  'UnexpectedAdmissionError',
  'OutOfcpu',
  'ImagePullBackOff',
  'InvalidImageName',
  'CreateContainerError',
  'FailedCreate',
  'Failed',
  'Complete',
  'Ready',
  'PodScheduled',
  'True',
  'False',
  'Unknown',
  'The node was low on resource: memory. ',
  '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.',
  '{"code":64}',
  '{',
  '2026-01-01T00:00:00Z',
  'never',
  '',
);
const anything = fc.oneof(word, fc.integer(), fc.constant(null), fc.constant(undefined), fc.boolean());
const maybe = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: value }, { weight: 1, arbitrary: anything });
const few = <T>(value: fc.Arbitrary<T>) => maybe(fc.array(maybe(value), { maxLength: 3 }));
const record = (fields: Record<string, fc.Arbitrary<unknown>>) => fc.record(fields, { requiredKeys: [] });

const condition = record({ type: word, status: word, reason: word, message: anything, lastTransitionTime: anything });
const state = record({
  terminated: maybe(record({ exitCode: anything, reason: anything, message: anything, finishedAt: anything })),
  waiting: maybe(record({ reason: anything, message: anything })),
  running: maybe(record({})),
});
const metadata = record({
  name: fc.constantFrom('a', 'b', 'c'),
  uid: fc.constantFrom('1', '2', '3'),
  deletionTimestamp: anything,
  labels: maybe(fc.dictionary(word, anything)),
});
const anyPod = record({
  metadata: maybe(metadata),
  spec: maybe(
    record({ nodeName: fc.constantFrom('n1', 'n2'), containers: few(record({ name: word, image: anything })) }),
  ),
  status: maybe(
    record({
      phase: fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'),
      reason: anything,
      message: anything,
      conditions: few(condition),
      containerStatuses: few(record({ name: fc.constantFrom('trainer', 'sidecar'), state: maybe(state) })),
    }),
  ),
});
const anyJob = record({
  metadata: maybe(metadata),
  spec: maybe(record({ suspend: anything, parallelism: anything, activeDeadlineSeconds: anything })),
  status: maybe(record({ conditions: few(condition) })),
});
const anyEvent = record({
  reason: anything,
  message: anything,
  involvedObject: maybe(record({ kind: fc.constantFrom('Job', 'Pod', 'Node'), name: fc.constantFrom('a', 'b', 'n1') })),
  lastTimestamp: anything,
});
const anyEvidence = fc
  .record({
    job: fc.oneof(anyJob, fc.constant(null)),
    pods: fc.array(anyPod, { maxLength: 3 }),
    gonePods: fc.uniqueArray(fc.constantFrom('1', '2', '3')),
    nodes: fc.dictionary(
      fc.constantFrom('n1', 'n2'),
      maybe(record({ status: maybe(record({ conditions: few(condition) })) })),
    ),
    events: fc.array(maybe(anyEvent), { maxLength: 3 }),
    nowMs: fc.integer({ min: 0, max: 2_000_000_000_000 }),
  })
  .map(({ gonePods, nodes, ...rest }) => {
    const all = {
      ...rest,
      gonePods: new Set(gonePods),
      nodes: new Map(Object.entries(nodes)),
      exit: null,
      result: null,
    };
    return all as unknown as AttemptEvidence;
  });

test('whatever is missing or strange in the evidence, there is an answer that can be used', () => {
  fc.assert(
    fc.property(anyEvidence, (given) => {
      const end = diagnose(given);
      const reason = pendingReason(given);
      assert.ok(reason === null || (PENDING_KINDS.includes(reason.kind) && reason.text !== ''));
      if (end === null) return;
      assert.ok(OUTCOMES.includes(end.outcome));
      assert.ok(end.message.trim().length > 10 && end.message.length < 1000, end.message);
      assert.doesNotMatch(end.message, /undefined|null|NaN|\[object/);
      assert.ok(!Number.isNaN(Date.parse(end.endedAt)));
    }),
    { numRuns: 3000 },
  );
});

test('the order in which pods and events are known changes nothing', () => {
  fc.assert(
    fc.property(anyEvidence, (given) => {
      const pods = [...given.pods].reverse();
      const events = [...given.events].reverse();
      const distinct = new Set(given.pods.map((one) => one.metadata?.uid)).size === given.pods.length;
      if (!distinct) return;
      assert.deepEqual(diagnose({ ...given, pods, events }), diagnose(given));
      assert.deepEqual(pendingReason({ ...given, pods, events }), pendingReason(given));
    }),
    { numRuns: 2000 },
  );
});

/** What can befall a pod besides the trainer's own end. */
const befallen = fc.record({
  phase: fc.constantFrom('Running', 'Failed'),
  reason: fc.constantFrom('', 'Evicted', 'Terminated'),
  message: fc.constantFrom(
    '',
    'The node was low on resource: memory. ',
    'Pod was terminated in response to imminent node shutdown.',
  ),
  conditions: fc.constantFrom([], [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }]),
  deletedAt: fc.constantFrom('2026-01-01T00:00:00Z', undefined),
});

test("the trainer's own word wins over whatever befell its pod", () => {
  const own = fc.constantFrom(
    [EXIT_CODES.invalid, 'invalid'],
    [EXIT_CODES.gpuOutOfMemory, 'gpu-out-of-memory'],
    [EXIT_CODES.hostOutOfMemory, 'host-out-of-memory'],
    [EXIT_CODES.gpuFault, 'gpu-fault'],
  );
  const containerReason = fc.constantFrom('Error', 'OOMKilled');
  fc.assert(
    fc.property(own, befallen, containerReason, fc.boolean(), ([code, outcome], { deletedAt, ...parts }, why, gone) => {
      const deleted = deletedAt === undefined ? {} : { deletedAt };
      const one = pod({ ...parts, ...deleted, state: terminated(Number(code), 'a word', why) });
      const given = evidence({ pods: [one], ...(gone && { job: null, gonePods: new Set([one.metadata?.uid ?? '']) }) });
      assert.equal(diagnose(given)?.outcome, outcome);
    }),
  );
});

test('a pod that is still at work has not ended, whatever happens around it', () => {
  fc.assert(
    fc.property(anyEvidence, (given) => {
      const working: V1Pod = pod({ name: 'working', node: 'healthy', phase: 'Running', state: { running: {} } });
      const job = given.job === null ? null : { spec: given.job.spec ?? {} };
      const end = diagnose({ ...given, job: job as AttemptEvidence['job'], pods: [...given.pods, working] });
      // What can never start is given up, even while another pod runs.
      assert.ok(end === null || end.outcome === 'invalid' || end.outcome === 'gpu-fault');
    }),
    { numRuns: 1000 },
  );
});

test('a diagnosis of what was recorded does not change when it is made again later', () => {
  for (const name of recordingNames()) {
    const given = recorded(name);
    const end = diagnose(given);
    const later = diagnose({ ...given, nowMs: given.nowMs + 3_600_000 });
    if (end !== null) assert.deepEqual([later?.outcome, later?.message], [end.outcome, end.message], name);
  }
});
