/**
 * @typedef {object} Job
 * @property {string} name
 * @property {string} [needs] name of a build that must have ended before it starts
 * @property {string} [lane] runs only in the lane of this name; in any lane without a name where absent
 */

/**
 * Runs jobs side by side: each lane takes the first job it may run whose build has ended, and waits for a build only
 * where nothing else is left to it. A build starts at once if a job needs it.
 *
 * @template {Job} T
 * @param {readonly T[]} jobs in the order in which they are taken
 * @param {readonly (string | null)[]} lanes a name, or null for a lane that takes what names none
 * @param {Readonly<Record<string, () => Promise<string | null>>>} builds each answers why it failed, or null
 * @param {(job: T, failure: string | null) => Promise<void>} run hears why the job's build failed
 */
export async function runInLanes(jobs, lanes, builds, run) {
  const left = [...jobs];
  /** @type {Map<string, Promise<string | null>>} */
  const building = new Map();
  /** @type {Map<string, string | null>} */
  const built = new Map();
  for (const { needs } of jobs) {
    if (needs === undefined || building.has(needs)) continue;
    const build = builds[needs]();
    building.set(
      needs,
      build.then((failure) => {
        built.set(needs, failure);
        return failure;
      }),
    );
  }

  async function lane(name) {
    for (;;) {
      const mine = left.filter((job) => (job.lane ?? null) === name);
      const next = mine.find(({ needs }) => needs === undefined || built.has(needs));
      if (next !== undefined) {
        left.splice(left.indexOf(next), 1);
        await run(next, next.needs === undefined ? null : (built.get(next.needs) ?? null));
      } else if (mine.length > 0) {
        await Promise.race([...building].flatMap(([name, build]) => (built.has(name) ? [] : [build])));
      } else {
        return;
      }
    }
  }
  await Promise.all(lanes.map(lane));
}
