/**
 * The full study twice: undisturbed, and with everything it runs killed at random moments, as when the machine goes
 * down. Prints how long each took and in what their results differ: nothing may. Only whether a bad suggestion of the
 * search was still pruned, or had ended before the verdict came, is a matter of time in any run.
 *
 * Usage: study.ts [--kills 2] [--seed N] [--file examples/full-study.yaml]
 */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { seeded } from '@lamina/domain/forecast/random.ts';
import type { Comparison } from '@lamina/domain/results/types.ts';
import { untilEnded } from '../support/following.ts';
import { createLaminaFolder } from '../support/lamina-process.ts';
import { differences, steady } from '../support/undisturbed.ts';

const PATIENCE_MS = 3 * 3_600_000;
const LOOK_MS = 2_000;
/** Range of kills, as shares of the undisturbed time: an earlier one has nothing to disturb yet, a later one nothing left. */
const KILL_BETWEEN = [0.05, 0.9] as const;
const TARGET_SECONDS = 30 * 60;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    file: { type: 'string', default: 'examples/full-study.yaml' },
  },
});
const file = resolve(values.file);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Outcome {
  readonly seconds: number;
  readonly state: string;
  /** Hash of the generated data; null where none were. */
  readonly data: string | null;
  readonly comparison: Comparison;
}

/** @param killsAt seconds from submission, in order */
async function study(killsAt: readonly number[]): Promise<Outcome> {
  const folder = await createLaminaFolder({
    LAMINA_LAUNCHER: 'warm',
    // All of the machine, as its user has it.
    OMP_NUM_THREADS: String(availableParallelism()),
  });
  try {
    let lamina = await folder.start();
    const from = performance.now();
    const { id } = await lamina.client.submit({
      document: readFileSync(file, 'utf8'),
      baseDirectory: dirname(file),
      reuse: true,
    });
    for (const at of killsAt) {
      await sleep(Math.max(0, from + at * 1000 - performance.now()));
      const { state, counts, preparation } = await lamina.client.show(id);
      say(`  killed after ${at.toFixed(0)} s: ${state}, data ${preparation?.state}, ${JSON.stringify(counts)}`);
      await folder.crash();
      lamina = await folder.start();
    }
    const { state, preparation } = await untilEnded(lamina.client, id, PATIENCE_MS, LOOK_MS);
    const seconds = (performance.now() - from) / 1000;
    const comparison = await lamina.client.comparison(id);
    const dataset = preparation === null ? null : (await lamina.client.preparation(id)).dataset;
    say(`  ${state} after ${seconds.toFixed(0)} s, ${comparison.rows.length} rows, ${comparison.gguf.length} of GGUF`);
    return { seconds, state, data: dataset?.fingerprint ?? null, comparison };
  } finally {
    await folder.remove();
  }
}

say('undisturbed:');
const undisturbed = await study([]);
const random = seeded(Number(values.seed));
const [earliest, latest] = KILL_BETWEEN;
const killsAt = Array.from({ length: Number(values.kills) }, () => earliest + random() * (latest - earliest))
  .toSorted((a, b) => a - b)
  .map((share) => share * undisturbed.seconds);
say(`killed, seed ${values.seed}:`);
const killed = await study(killsAt);
const pruned = [undisturbed, killed].map(({ comparison }) => prunedCells(comparison));
const inOneOnly = pruned[0]?.symmetricDifference(pruned[1] ?? new Set()) ?? new Set<string>();
if (inOneOnly.size > 0) say(`  suggestions that were pruned in one run only: ${inOneOnly.size}`);
const differing = differences(shown(undisturbed), shown(killed));
for (const line of differing) say(`  ${line}`);
const figures = {
  undisturbedSeconds: undisturbed.seconds,
  killedSeconds: killed.seconds,
  killsAtSeconds: killsAt,
  differences: differing.length,
  prunedInOneOnly: inOneOnly.size,
};
const targets = { same: differing.length === 0, inTime: undisturbed.seconds < TARGET_SECONDS };
say(JSON.stringify({ benchmark: 'study', seed: Number(values.seed), figures, targets }));
if (Object.values(targets).includes(false)) process.exitCode = 1;

function prunedCells({ rows }: Comparison): ReadonlySet<string> {
  return new Set(rows.filter(({ trials }) => trials.byState.pruned).map(({ cellId }) => cellId));
}

function shown({ state, data, comparison }: Outcome): unknown {
  const { rows, ...more } = steady(comparison);
  return { state, data, ...more, rows: rows.filter(({ cellId }) => !inOneOnly.has(cellId)) };
}
