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
  const from = uptime();
  await stack.ended(id);
  return { ...policy, counts: { succeeded: 8 }, ...(await goingOn(round, from)) };
}

/** Until a result has been recorded and a new trainer runs, as far as there is any left to come. */
async function goingOn({ stack, id }: Round, from: number): Promise<Pick<Recovered, 'seconds' | 'own'>> {
  const bootMs = Date.now() - uptime() * 1000;
  const sinceBoot = (ms: number): number => (ms - bootMs) / 1000;
  const trials = await stack.store.trialsForComparison(id);
  const recorded = trials.map(({ endedAt }) => sinceBoot(Date.parse(endedAt ?? '')));
  const made = stack.witness.jobsMadeAtMs(id).map(sinceBoot);
  const runs = (await stack.histories(id)).flatMap(({ starts }) => starts);
  const first = (times: readonly number[]): number => {
    const next = times.filter((at) => at >= from).map((at) => at - from);
    return next.length === 0 ? 0 : Math.min(...next);
  };
  return { seconds: Math.max(first(recorded), first(runs)), own: Math.max(first(recorded), first(made)) };
}

const OUTAGE_SECONDS = 15;
/** How long the API server is away; the first time longer, where that is asked for. */
const outageSeconds = ({ round }: Round): number =>
  round === 0 ? Number(process.env['LAMINA_FAULTS_OUTAGE'] || OUTAGE_SECONDS) : OUTAGE_SECONDS;

/** There is one worker again. */
async function workers({ stack }: Round, count: number): Promise<void> {
  for (const worker of [...stack.workers].slice(count)) await stack.stopWorker(worker);
  while (stack.workers.size < count) await stack.startWorker();
}

const GOES_ON = 'a result is recorded and a new trainer runs';

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
    counted: `it answers again → ${GOES_ON}`,
    alone: true,
    run: (round) => amidst(round, () => round.stack.cluster.faults.pauseApiServer(outageSeconds(round))),
  },
  {
    fault: 'API server gone for a while',
    outcome: 'goes on where it was',
    counted: `it answers again → ${GOES_ON}`,
    alone: true,
    run: (round) => amidst(round, () => round.stack.cluster.faults.stopApiServer(outageSeconds(round))),
  },
  {
    fault: 'all connections to the API server cut, three times',
    outcome: 'goes on where it was',
    counted: `last cut → ${GOES_ON}`,
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
    counted: `restart → ${GOES_ON}`,
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
    counted: `kill → ${GOES_ON}`,
    alone: true,
    async run(round) {
      const { stack, id } = round;
      const [worker] = stack.workers;
      assert.ok(worker !== undefined);
      const died = new Promise((resolve) => worker.process.once('exit', resolve));
      worker.tell({ do: 'die-after-launch', experimentId: id });
      await stack.submit(id, { trials: Array(8).fill('succeed/succeed'), policy: { maxParallel: 4 } });
      await died;
      const from = uptime();
      await worker.kill();
      assert.equal(worker.process.signalCode, 'SIGKILL');
      await workers(round, 1);
      await stack.ended(id);
      return { maxParallel: 4, counts: { succeeded: 8 }, ...(await goingOn(round, from)) };
    },
  },
  {
    fault: 'worker killed while trials run, another started',
    outcome: 'goes on where it was',
    counted: `kill → ${GOES_ON}`,
    alone: true,
    async run(round) {
      const { stack } = round;
      const [worker] = stack.workers;
      let from = 0;
      const recovered = await amidst(round, async () => {
        from = uptime();
        await worker?.kill();
        await workers(round, 1);
      });
      return { ...recovered, ...(await goingOn(round, from)) };
    },
  },
  {
    fault: 'two workers at once, one of them killed',
    outcome: 'the other goes on; nothing twice',
    counted: `kill → ${GOES_ON}`,
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
