/** Faults of one attempt: what its trainer does, and what is done to its Job or pod. */
import assert from 'node:assert/strict';
import type { AttemptEnd } from '@lamina/domain/contract/runner.ts';
import type { AttemptRecord } from '@lamina/platform/application/ports/store.ts';
import type { Recovered, Round, Scenario } from '../../support/fault-scenario.ts';
import { type AttemptHistory, NOWHERE, type Order, PATIENCE_MS, uptime } from '../../support/fault-stack.ts';
import { until } from '../../support/orchestra.ts';

const MEBIBYTE = 1024 ** 2;
const TRAINER_ENDS = 'end of the trainer → next trainer runs';

/** The attempts of the trial that met with the fault. */
async function attemptsOf({ stack, id }: Round, trialId: string): Promise<readonly AttemptRecord[]> {
  return (await stack.store.listAttempts(id)).filter((one) => one.trialId === trialId);
}

/** The victim is the first trial: its first attempt ends by itself as `outcome`, its second one succeeds. */
async function again(round: Round, order: Order, outcome: AttemptEnd['outcome']) {
  const { stack, id } = round;
  const [victim] = await stack.submit(id, order);
  await stack.ended(id);
  const attempts = await attemptsOf(round, victim?.id ?? '');
  assert.deepEqual(
    attempts.map(({ end }) => end?.outcome),
    [outcome, 'succeeded'],
    attempts.map(({ end }) => end?.message).join(' | '),
  );
  const histories = (await stack.histories(id)).filter(({ trialId }) => trialId === victim?.id);
  const [first, second] = histories as [AttemptHistory, AttemptHistory];
  const seconds = (second.starts[0] ?? Number.NaN) - (first.endedAt ?? Number.NaN);
  const maxParallel = order.policy?.maxParallel ?? 2;
  const recovered: Recovered = { maxParallel, counts: { succeeded: order.trials.length }, seconds };
  return { recovered, attempts, histories };
}

/** Something is done to the first trial's first attempt while it runs. */
async function struck(round: Round, strike: (victim: AttemptHistory) => Promise<void>): Promise<Recovered> {
  const { stack, id } = round;
  const [trial] = await stack.submit(id, { trials: ['wait/succeed', 'succeed/succeed', 'succeed/succeed'] });
  const ofVictim = (attempt: number) => (one: AttemptHistory) =>
    one.trialId === trial?.id && one.attempt === attempt && one.starts.length > 0;
  const victim = await stack.seen(id, ofVictim(1), 'the first attempt');
  const from = uptime();
  await strike(victim);
  const next = await stack.seen(id, ofVictim(2), 'the second attempt');
  await stack.ended(id);
  const [first] = await attemptsOf(round, trial?.id ?? '');
  assert.equal(first?.end?.outcome, 'disrupted', first?.end?.message);
  return { maxParallel: 2, counts: { succeeded: 3 }, seconds: (next.starts[0] ?? Number.NaN) - from };
}

const others = ['succeed/succeed', 'succeed/succeed'];

export const OWN_FAULTS: readonly Scenario[] = [
  {
    fault: 'GPU out of memory (code 65)',
    outcome: 'micro-batch halved; like trials start with the plan that worked',
    counted: TRAINER_ENDS,
    async run(round) {
      const order = { trials: Array(3).fill('tight/tight'), alike: true, policy: { maxParallel: 1 } };
      const plan = { microBatch: 4, accumulation: 2 };
      const { recovered, attempts } = await again(round, { ...order, plan }, 'gpu-out-of-memory');
      const all = await round.stack.store.listAttempts(round.id);
      const batches = all.map(({ plan: { microBatch, accumulation } }) => [microBatch, accumulation]);
      assert.deepEqual(batches.sort().reverse(), [[4, 2], ...Array(3).fill([2, 4])]);
      assert.equal(attempts.length, 2);
      return recovered;
    },
  },
  {
    fault: 'container killed at its memory limit',
    outcome: 'half as much memory again',
    counted: TRAINER_ENDS,
    async run(round) {
      const order = { trials: ['memory/succeed', ...others], plan: { memoryBytes: 64 * MEBIBYTE } };
      const { recovered, attempts } = await again(round, order, 'host-out-of-memory');
      assert.equal(attempts[1]?.plan.memoryBytes, 96 * MEBIBYTE);
      return recovered;
    },
  },
  {
    fault: 'host out of memory, said by the trainer (code 66)',
    outcome: 'half as much memory again',
    counted: TRAINER_ENDS,
    async run(round) {
      const order = { trials: ['exit 66/succeed', ...others], plan: { memoryBytes: 64 * MEBIBYTE } };
      const { recovered, attempts } = await again(round, order, 'host-out-of-memory');
      assert.equal(attempts[1]?.plan.memoryBytes, 96 * MEBIBYTE);
      return recovered;
    },
  },
  {
    fault: 'bad GPU (code 67)',
    outcome: 'node excluded, another one taken',
    counted: TRAINER_ENDS,
    async run(round) {
      const { recovered, attempts, histories } = await again(
        round,
        { trials: ['exit 67/succeed', ...others] },
        'gpu-fault',
      );
      const [bad, good] = histories;
      assert.deepEqual(attempts[1]?.plan.excludedNodes, [bad?.node]);
      assert.notEqual(good?.node, bad?.node);
      return recovered;
    },
  },
  {
    fault: 'trainer crashed (code 1)',
    outcome: 'another attempt after the back-off of 0.5 s',
    counted: TRAINER_ENDS,
    run: async (round) => (await again(round, { trials: ['exit 1/succeed', ...others] }, 'crashed')).recovered,
  },
  {
    fault: 'trainer silent for 6 s',
    outcome: 'stopped, resumed once',
    counted: 'stop of the trainer → next trainer runs',
    async run(round) {
      const policy = { stallSeconds: 6, maxParallel: 1 };
      return (await again(round, { trials: ['hang/succeed'], policy }, 'stalled')).recovered;
    },
  },
  {
    fault: 'pod evicted through the Eviction API',
    outcome: 'resumed from the checkpoint',
    counted: 'eviction → next trainer runs',
    run: (round) =>
      struck(round, async ({ trialId }) => {
        const { witness, cluster, settings } = round.stack;
        const [pod] = witness
          .pods(round.id)
          .filter(({ metadata }) => metadata?.annotations?.['lamina.dev/trial-id'] === trialId);
        await cluster.faults.evict(settings.namespace, pod?.metadata?.name ?? '');
      }),
  },
  {
    fault: 'Job deleted by hand',
    outcome: 'resumed from the checkpoint',
    counted: 'deletion → next trainer runs',
    run: (round) =>
      struck(round, async ({ trialId, attempt }) => {
        const { cluster, settings } = round.stack;
        const job = `lamina-${round.id}-${trialId.slice(0, 16)}-${attempt}`;
        await cluster.faults.deleteJob(settings.namespace, job);
      }),
  },
  {
    fault: 'no node fits',
    outcome: 'waits with the reason `unschedulable`, fails at the start deadline',
    counted: 'start deadline (8 s) → failed',
    async run(round) {
      const { stack, id } = round;
      const policy = { startDeadlineSeconds: 8 };
      await stack.submit(id, { trials: others, policy, plan: { gpuClass: NOWHERE } });
      return failsToStart(round, policy.startDeadlineSeconds, 'unschedulable', /no node fits|nodes?/i);
    },
  },
  {
    fault: 'trial beyond its deadline (4 s)',
    outcome: 'fails as `timed-out`',
    counted: 'deadline → failed',
    async run(round) {
      const { stack, id } = round;
      const policy = { trialDeadlineSeconds: 4, maxParallel: 1 };
      await stack.submit(id, { trials: ['hang/hang'], policy });
      await stack.ended(id);
      const [attempt] = await stack.store.listAttempts(id);
      assert.equal(attempt?.end?.outcome, 'timed-out', attempt?.end?.message);
      return { maxParallel: 1, counts: { failed: 1 }, seconds: (await secondsToFail(round)) - 4 };
    },
  },
  {
    fault: 'cancelled while attempts run and wait',
    outcome: 'all stopped, none started afterwards',
    counted: 'cancel accepted → experiment ended',
    async run(round) {
      const { stack, id } = round;
      await stack.submit(id, { trials: Array(8).fill('wait/wait'), policy: { maxParallel: 3 } });
      await stack.seen(id, ({ starts }) => starts.length > 0, 'the first trainer');
      await stack.control.cancel(id);
      const cancelledAtMs = Date.now();
      await stack.ended(id);
      const seconds = (Date.now() - cancelledAtMs) / 1000;
      return { maxParallel: 3, counts: { cancelled: 8 }, seconds, cancelledAtMs };
    },
  },
];

/** Two trials that can never start: their reason is shown while they wait, and they fail with it. */
export async function failsToStart(
  round: Round,
  deadlineSeconds: number,
  outcome: 'unschedulable' | 'image-pull',
  sentence: RegExp,
): Promise<Recovered> {
  const { stack, id } = round;
  const shown = async () => (await stack.store.listAttempts(id)).some(({ waiting }) => waiting?.kind === outcome);
  await until(shown, `the reason ${outcome} is shown`, PATIENCE_MS);
  await stack.ended(id);
  const attempts = await stack.store.listAttempts(id);
  assert.deepEqual(
    attempts.map(({ end }) => end?.outcome),
    [outcome, outcome],
    attempts.map(({ end }) => end?.message).join(' | '),
  );
  for (const { end } of attempts) assert.match(end?.message ?? '', sentence);
  return { maxParallel: 2, counts: { failed: 2 }, seconds: (await secondsToFail(round)) - deadlineSeconds };
}

/** From the first attempt's launch to the last trial's end. */
async function secondsToFail({ stack, id }: Round): Promise<number> {
  const [trials, attempts] = await Promise.all([stack.store.trialsForComparison(id), stack.store.listAttempts(id)]);
  const started = Math.min(...attempts.map(({ startedAt }) => Date.parse(startedAt)));
  const ended = Math.max(...trials.map(({ endedAt }) => Date.parse(endedAt ?? '')));
  return (ended - started) / 1000;
}
