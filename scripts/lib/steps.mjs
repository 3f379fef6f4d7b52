import { performance } from 'node:perf_hooks';
import { exclusively } from './lock.mjs';

const REMINDER_MS = 15_000;

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {readonly string[]} [after] names of steps that must be done first
 * @property {() => boolean | Promise<boolean>} done true where there is nothing to do
 * @property {() => Promise<void>} run
 * @property {string} [lock] where others may run the same step at the same time: a path that they share
 */

/**
 * Runs what is not done yet, side by side where the order allows it, and says what it does and how long it took.
 * @param {readonly Step[]} steps
 * @param {(line: string) => void} say
 * @returns {Promise<{ seconds: number, ran: readonly string[] }>}
 */
export async function runSteps(steps, say) {
  const startedAt = performance.now();
  const since = (from) => ((performance.now() - from) / 1000).toFixed(1);
  /** @type {string[]} */
  const ran = [];
  /** @type {Map<string, Promise<void>>} */
  const promises = new Map();

  async function runStep(step) {
    await Promise.all((step.after ?? []).map((name) => promises.get(name)));
    if (await step.done()) return;
    const onWait = () => say(`  … ${step.name}: another set-up is at it, waiting`);
    if (step.lock === undefined) await runNow(step);
    else await exclusively(step.lock, onWait, async () => ((await step.done()) ? undefined : runNow(step)));
  }

  async function runNow(step) {
    const from = performance.now();
    say(`  … ${step.name}`);
    const reminder = setInterval(() => say(`  … ${step.name}: ${since(from)} s so far`), REMINDER_MS);
    try {
      await step.run();
    } catch (error) {
      throw new Error(`Set-up failed at "${step.name}".\n${error instanceof Error ? error.message : error}`);
    } finally {
      clearInterval(reminder);
    }
    ran.push(step.name);
    say(`  ✓ ${step.name} (${since(from)} s)`);
  }

  for (const step of steps) promises.set(step.name, runStep(step));
  const results = await Promise.allSettled(promises.values());
  const failure = results.find((each) => each.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return { seconds: (performance.now() - startedAt) / 1000, ran };
}
