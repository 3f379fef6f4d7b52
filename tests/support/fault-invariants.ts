/** What must hold of an experiment whatever was done to it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EndedCounts } from './fault-scenario.ts';
import type { FaultStack } from './fault-stack.ts';

const LEAK_SECONDS = 60;

export interface Verdict {
  /** Sentences; none where everything held. */
  readonly broken: readonly string[];
  /** Attempts that followed another one of their trial. */
  readonly recoveries: number;
  readonly trials: number;
  readonly lost: number;
  readonly doubled: number;
  readonly leaked: number;
}

export interface Expectation {
  readonly maxParallel: number;
  readonly counts: EndedCounts;
  /** When a cancel was accepted; no Job may be made later. */
  readonly cancelledAtMs?: number | undefined;
}

/** Waits for the experiment's end first, and for the cluster to clean up. */
export async function verdictOf(stack: FaultStack, id: string, expected: Expectation): Promise<Verdict> {
  const { store, witness } = stack;
  await stack.ended(id);
  const endedAtMs = performance.now();
  const broken: string[] = [];
  const experiment = await store.getExperiment(id);
  const [trials, attempts] = await Promise.all([store.trialsForComparison(id), store.listAttempts(id)]);

  const { pending = 0, running = 0, retrying = 0, ...counts } = experiment?.counts ?? {};
  const lost = pending + running + retrying;
  if (lost > 0) broken.push(`${lost} trials have no end`);
  if (JSON.stringify(sorted(counts)) !== JSON.stringify(sorted(expected.counts))) {
    const said = trials.map(({ message }) => message).filter((message) => message !== null);
    broken.push(`ended as ${JSON.stringify(counts)}, not ${JSON.stringify(expected.counts)}: ${said.join(' | ')}`);
  }

  let doubled = 0;
  for (const { trialId, state, result } of trials) {
    const accepted = attempts.filter((one) => one.trialId === trialId && hasResult(one.end?.outcome));
    const wanted = state === 'succeeded' || state === 'diverged' ? 1 : 0;
    if (accepted.length > 1) doubled += 1;
    if (accepted.length !== wanted) broken.push(`trial ${trialId} is ${state} with ${accepted.length} results`);
    if (wanted === 1 && result?.attemptId !== accepted[0]?.attemptId) {
      broken.push(`trial ${trialId} has the result of ${result?.attemptId}`);
    }
  }
  const open = attempts.filter(({ end }) => end === null);
  if (open.length > 0) broken.push(`${open.length} attempts have no end`);

  while (witness.left(id) > 0 && performance.now() - endedAtMs < LEAK_SECONDS * 1000) await sleep(100);
  const leaked = witness.left(id);
  if (leaked > 0) broken.push(`${leaked} Jobs and pods are left`);

  const peak = witness.peakAlive(id);
  if (peak > expected.maxParallel) broken.push(`${peak} attempts were alive, ${expected.maxParallel} are allowed`);
  for (const name of witness.doubled(id)) broken.push(`there was more than one ${name}`);
  const histories = await stack.histories(id);
  for (const { trialId, attempt, starts, resumedFrom } of histories) {
    if (starts.length > 1) broken.push(`attempt ${attempt} of ${trialId} was started ${starts.length} times`);
    const before = histories.filter((one) => one.trialId === trialId && one.attempt < attempt && one.starts.length > 0);
    if (starts.length > 0 && before.length > 0 && resumedFrom !== Math.max(...before.map((one) => one.attempt))) {
      broken.push(`attempt ${attempt} of ${trialId} did not find the newest checkpoint, but ${resumedFrom}`);
    }
  }
  const { cancelledAtMs } = expected;
  // The cluster's clock has whole seconds.
  const late = cancelledAtMs === undefined ? [] : witness.jobsMadeAtMs(id).filter((ms) => ms > cancelledAtMs);
  if (late.length > 0) broken.push(`${late.length} Jobs were made after the cancel`);
  const recoveries = attempts.filter(({ attempt }) => attempt > 1).length;
  return { broken, recoveries, trials: trials.length, lost, doubled, leaked };
}

const hasResult = (outcome: string | undefined): boolean => outcome === 'succeeded' || outcome === 'diverged';

function sorted(counts: object): [string, unknown][] {
  return Object.entries(counts)
    .filter(([, count]) => count !== 0)
    .sort(([a], [b]) => a.localeCompare(b));
}
