import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInLanes } from './lanes.mjs';

/** Builds that end when told to, and the order in which jobs began and ended. */
function stage() {
  const order = [];
  const gates = new Map();
  const gate = (name) => {
    if (!gates.has(name)) gates.set(name, Promise.withResolvers());
    return gates.get(name);
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    order,
    build: (name) => () => gate(name).promise,
    run: async (job, failure) => {
      order.push(failure === null ? `+${job.name}` : `+${job.name} (${failure})`);
      await gate(job.name).promise;
      order.push(`-${job.name}`);
    },
    async end(name, value = null) {
      gate(name).resolve(value);
      await settle();
    },
  };
}

test('a lane takes what needs no build first, though it stands later', async () => {
  const { order, build, run, end } = stage();
  const all = runInLanes([{ name: 'needy', needs: 'tool' }, { name: 'free' }], [null], { tool: build('tool') }, run);
  assert.deepEqual(order, ['+free']);
  await end('free');
  assert.deepEqual(order, ['+free', '-free']);
  await end('tool');
  assert.deepEqual(order.at(-1), '+needy');
  await end('needy');
  await all;
});

test('what names a lane runs there alone, one after the other, while the other lanes go on', async () => {
  const { order, run, end } = stage();
  const jobs = [{ name: 'one', lane: 'cluster' }, { name: 'two', lane: 'cluster' }, { name: 'other' }];
  const all = runInLanes(jobs, [null, null, 'cluster'], {}, run);
  assert.deepEqual(order.toSorted(), ['+one', '+other']);
  await end('one');
  assert.deepEqual(order.slice(2), ['-one', '+two']);
  await end('two');
  await end('other');
  await all;
});

test('a build that fails is told to what needs it, and starts once', async () => {
  const { order, run, end } = stage();
  let starts = 0;
  const builds = {
    tool: async () => {
      starts += 1;
      return 'no compiler';
    },
  };
  const jobs = [
    { name: 'a', needs: 'tool' },
    { name: 'b', needs: 'tool' },
  ];
  const all = runInLanes(jobs, [null], builds, run);
  await end('a');
  await end('b');
  await all;
  assert.deepEqual(order, ['+a (no compiler)', '-a', '+b (no compiler)', '-b']);
  assert.equal(starts, 1);
});
