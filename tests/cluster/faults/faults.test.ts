/**
 * Every fault, in an order that a seed decides, with what must always hold checked after each. `npm run test:faults`
 * makes each five times; LAMINA_FAULTS_TIMES, LAMINA_FAULTS_SEED, LAMINA_FAULTS_OUTAGE (seconds), LAMINA_FAULTS_ONLY
 * (part of a name) change that.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type Cluster, cluster } from '../../support/cluster.ts';
import { verdictOf } from '../../support/fault-invariants.ts';
import { type Round, randomOf, type Scenario, shuffled } from '../../support/fault-scenario.ts';
import { type FaultStack, startFaultStack } from '../../support/fault-stack.ts';
import { type FaultRecord, faultTable, totals } from '../../support/fault-table.ts';
import { OWN_FAULTS } from './own-faults.ts';
import { SHARED_FAULTS } from './shared-faults.ts';

/** Faults of single attempts that are made at the same time. */
const BESIDE_EACH_OTHER = 6;

const found = await cluster();
const skip = 'skip' in found ? found.skip : false;
const times = Number(process.env['LAMINA_FAULTS_TIMES'] || 1);
const seed = Number(process.env['LAMINA_FAULTS_SEED'] || randomInt(2 ** 31));
const only = process.env['LAMINA_FAULTS_ONLY'] ?? '';

interface Planned {
  readonly scenario: Scenario;
  readonly round: number;
}

const SCENARIOS = [...OWN_FAULTS, ...SHARED_FAULTS].filter(({ fault }) => fault.includes(only));

/** Faults of single attempts in groups, the others each by itself, all in a random order. */
function plan(random: () => number): Planned[][] {
  const all = SCENARIOS.flatMap((scenario) => Array.from({ length: times }, (_, round) => ({ scenario, round })));
  const own = shuffled(
    all.filter(({ scenario }) => scenario.alone !== true),
    random,
  );
  const groups = Array.from({ length: Math.ceil(own.length / BESIDE_EACH_OTHER) }, (_, at) =>
    own.slice(at * BESIDE_EACH_OTHER, (at + 1) * BESIDE_EACH_OTHER),
  );
  const alone = all.filter(({ scenario }) => scenario.alone === true).map((one) => [one]);
  return shuffled([...groups, ...alone], random);
}

describe(`faults on the test cluster, seed ${seed}`, { skip }, () => {
  const random = randomOf(seed);
  const records: FaultRecord[] = [];
  let stack: FaultStack;
  let experiments = 0;

  before(async () => {
    await (found as Cluster).faults.heal();
    stack = await startFaultStack(found as Cluster);
    await stack.startWorker();
  });
  after(async () => {
    process.stdout.write(`\nseed ${seed}\n${faultTable(SCENARIOS, records)}\n${totals(records)}\n`);
    await stack.close();
    await (found as Cluster).faults.heal();
  });

  for (const group of plan(random)) {
    describe(group.map(({ scenario }) => scenario.fault).join(', '), { concurrency: true }, () => {
      for (const { scenario, round } of group) {
        const own = randomOf(Math.floor(random() * 2 ** 32));
        test(`${scenario.fault} (${round + 1})`, async (t) => {
          experiments += 1;
          await make(t, scenario, { stack, id: `f${experiments}`, round, random: own });
        });
      }
    });
  }

  async function make(t: TestContext, scenario: Scenario, round: Round): Promise<void> {
    const { maxParallel, counts, seconds, own, cancelledAtMs } = await scenario.run(round);
    const verdict = await verdictOf(stack, round.id, { maxParallel, counts, cancelledAtMs });
    records.push({ scenario, seconds, own, verdict });
    t.diagnostic(`${seconds.toFixed(1)} s`);
    assert.deepEqual(verdict.broken, []);
  }
});
