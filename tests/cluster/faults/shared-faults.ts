/** Faults of what all attempts share: nodes, the API server, controllers, Lamina's own workers. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Recovered, Round, Scenario } from '../../support/fault-scenario.ts';
import { type AttemptHistory, uptime } from '../../support/fault-stack.ts';
import { controllerManager, scheduler } from '../control-plane.ts';
import { restart } from '../processes.ts';
import { failsToStart } from './own-faults.ts';

const started = ({ starts }: AttemptHistory): boolean => starts.length > 0;

/** All attempts of the experiment that run on one node lose it; each must run again, on another one. */
async function withoutNode(
  round: Round,
  take: (node: string) => Promise<void>,
  giveBack: (node: string) => Promise<void>,
): Promise<Recovered> {
  const { stack, id } = round;
  const trials = Array(4).fill('wait/succeed');
  await stack.submit(id, { trials, policy: { maxParallel: 4 } });
  const first: AttemptHistory[] = [];
  for (let at = 0; at < trials.length; at += 1) {
    first.push(await stack.seen(id, (one) => started(one) && !first.some((known) => same(known, one)), 'an attempt'));
  }
  const node = first[Math.floor(round.random() * first.length)]?.node ?? '';
  const victims = first.filter((one) => one.node === node);
  const from = uptime();
  try {
    await take(node);
    const next = await Promise.all(
      victims.map(({ trialId }) =>
        stack.seen(id, (one) => one.trialId === trialId && one.attempt > 1 && started(one), 'another attempt'),
      ),
    );
    for (const one of next) assert.notEqual(one.node, node);
    stack.go(id);
    await stack.ended(id);
    const ends = (await stack.store.listAttempts(id)).flatMap(({ end }) => (end === null ? [] : [end]));
    const disrupted = ends.filter(({ outcome }) => outcome === 'disrupted');
    assert.equal(disrupted.length, victims.length, ends.map(({ message }) => message).join(' | '));
    for (const end of disrupted) assert.equal(end.node, node);
    const seconds = Math.max(...next.map(({ starts }) => starts[0] ?? Number.NaN)) - from;
    return { maxParallel: 4, counts: { succeeded: 4 }, seconds };
  } finally {
    await giveBack(node);
  }
}

const same = (a: AttemptHistory, b: AttemptHistory): boolean => a.trialId === b.trialId && a.attempt === b.attempt;

/** Eight short trials, four at once; something happens when the first of them run. */
async function amidst(
  round: Round,
  happen: () => Promise<void>,
  policy: { maxParallel: number } = { maxParallel: 4 },
): Promise<Recovered> {
  const { stack, id } = round;
  await stack.submit(id, { trials: Array(8).fill('succeed/succeed'), policy });
  await stack.seen(id, started, 'the first trainer');
  await sleep(round.random() * 1_500);
  await happen();
  const fromMs = Date.now();
  await stack.ended(id);
  const ends = (await stack.store.trialsForComparison(id)).map(({ endedAt }) => Date.parse(endedAt ?? ''));
  const next = ends.filter((ms) => ms > fromMs);
  const seconds = next.length === 0 ? 0 : (Math.min(...next) - fromMs) / 1000;
  return { ...policy, counts: { succeeded: 8 }, seconds };
}

/** How long the API server is away. */
const outageSeconds = (): number => Number(process.env['LAMINA_FAULTS_OUTAGE'] || 15);

/** There is one worker again. */
async function workers({ stack }: Round, count: number): Promise<void> {
  for (const worker of [...stack.workers].slice(count)) await stack.stopWorker(worker);
  while (stack.workers.size < count) await stack.startWorker();
}

const NEXT_RECORD = 'the next result is recorded';

export const SHARED_FAULTS: readonly Scenario[] = [
  {
    fault: 'node drained',
    outcome: 'its attempts resumed on another node',
    counted: 'drain → the last of them runs again',
    alone: true,
    run: (round) =>
      withoutNode(round, round.stack.cluster.faults.drain, async (node) => {
        await round.stack.cluster.faults.uncordon(node);
      }),
  },
  {
    fault: 'kubelet killed',
    outcome: 'its attempts resumed on another node, stuck pods removed',
    counted: 'kill → the last of them runs again',
    alone: true,
    run: (round) => withoutNode(round, round.stack.cluster.faults.stopKubelet, round.stack.cluster.faults.startKubelet),
  },
  {
    fault: 'API server hangs for a while',
    outcome: 'goes on where it was',
    counted: `it answers again → ${NEXT_RECORD}`,
    alone: true,
    run: (round) => amidst(round, () => round.stack.cluster.faults.pauseApiServer(outageSeconds())),
  },
  {
    fault: 'API server gone for a while',
    outcome: 'goes on where it was',
    counted: `it answers again → ${NEXT_RECORD}`,
    alone: true,
    run: (round) => amidst(round, () => round.stack.cluster.faults.stopApiServer(outageSeconds())),
  },
  {
    fault: 'all connections to the API server cut, three times',
    outcome: 'goes on where it was',
    counted: `last cut → ${NEXT_RECORD}`,
    alone: true,
    run: (round) =>
      amidst(round, async () => {
        for (let cut = 0; cut < 3; cut += 1) {
          await round.stack.cluster.faults.cutWatches();
          if (cut < 2) await sleep(round.random() * 1_500);
        }
      }),
  },
  {
    fault: 'scheduler and controller manager restarted',
    outcome: 'goes on where it was',
    counted: `restart → ${NEXT_RECORD}`,
    alone: true,
    run: (round) =>
      amidst(round, async () => {
        await restart(controllerManager.name);
        await restart(scheduler.name);
      }),
  },
  {
    fault: 'worker killed between creating Jobs and recording it',
    outcome: 'the next worker adopts the Jobs; none made twice',
    counted: `kill → ${NEXT_RECORD}`,
    alone: true,
    async run(round) {
      const { stack, id } = round;
      const [worker] = stack.workers;
      assert.ok(worker !== undefined);
      const died = new Promise((resolve) => worker.process.once('exit', resolve));
      worker.tell({ do: 'die-after-launch', experimentId: id });
      await stack.submit(id, { trials: Array(8).fill('succeed/succeed'), policy: { maxParallel: 4 } });
      await died;
      const fromMs = Date.now();
      await worker.kill();
      assert.equal(worker.process.signalCode, 'SIGKILL');
      await workers(round, 1);
      await stack.ended(id);
      const ends = (await stack.store.trialsForComparison(id)).map(({ endedAt }) => Date.parse(endedAt ?? ''));
      return { maxParallel: 4, counts: { succeeded: 8 }, seconds: (Math.min(...ends) - fromMs) / 1000 };
    },
  },
  {
    fault: 'worker killed while trials run, another started',
    outcome: 'goes on where it was',
    counted: `kill → ${NEXT_RECORD}, by another worker`,
    alone: true,
    async run(round) {
      const { stack } = round;
      const [worker] = stack.workers;
      let killedAtMs = 0;
      const recovered = await amidst(round, async () => {
        killedAtMs = Date.now();
        await worker?.kill();
        await workers(round, 1);
      });
      return { ...recovered, seconds: await nextRecord(round, killedAtMs, recovered.seconds) };
    },
  },
  {
    fault: 'two workers at once, one of them killed',
    outcome: 'the other goes on; nothing twice',
    counted: `kill → ${NEXT_RECORD}`,
    alone: true,
    async run(round) {
      const { stack } = round;
      await workers(round, 2);
      const victim = [...stack.workers][round.random() < 0.5 ? 0 : 1];
      const recovered = await amidst(round, async () => victim?.kill());
      await workers(round, 1);
      return recovered;
    },
  },
  {
    fault: 'image missing on every node',
    outcome: 'waits with the reason `image-pull`, fails at the start deadline',
    counted: 'start deadline (8 s) → failed',
    alone: true,
    async run(round) {
      const { stack, id } = round;
      await workers(round, 0);
      await stack.startWorker({ image: 'lamina.test/missing:1' });
      try {
        await stack.submit(id, { trials: Array(2).fill('succeed/succeed'), policy: { startDeadlineSeconds: 8 } });
        return await failsToStart(round, 8, 'image-pull', /image/i);
      } finally {
        await workers(round, 0);
        await workers(round, 1);
      }
    },
  },
];

async function nextRecord({ stack, id }: Round, fromMs: number, otherwise: number): Promise<number> {
  const ends = (await stack.store.trialsForComparison(id)).map(({ endedAt }) => Date.parse(endedAt ?? ''));
  const next = ends.filter((ms) => ms > fromMs);
  return next.length === 0 ? otherwise : (Math.min(...next) - fromMs) / 1000;
}
