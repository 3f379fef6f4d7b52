import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runSteps } from './steps.mjs';

const quiet = () => undefined;

test('a step runs after those it names, others side by side', async () => {
  const order = [];
  const step = (name, ms, after) => ({
    name,
    after,
    done: () => false,
    async run() {
      order.push(`+${name}`);
      await sleep(ms);
      order.push(`-${name}`);
    },
  });
  const { ran } = await runSteps([step('slow', 60), step('fast', 5), step('last', 1, ['slow'])], quiet);
  assert.deepEqual(order, ['+slow', '+fast', '-fast', '-slow', '+last', '-last']);
  assert.deepEqual(ran, ['fast', 'slow', 'last']);
});

test('what is done is left alone, and nothing is said about it', async () => {
  const said = [];
  const never = { name: 'done', done: () => true, run: () => assert.fail('it ran') };
  assert.deepEqual((await runSteps([never], (line) => said.push(line))).ran, []);
  assert.deepEqual(said, []);
});

test('a failure names its step, what waits for it does not run, and the others end first', async () => {
  let other = false;
  const steps = [
    { name: 'bad', done: () => false, run: () => Promise.reject(new Error('no network')) },
    { name: 'after bad', after: ['bad'], done: () => false, run: () => assert.fail('it ran') },
    {
      name: 'other',
      done: () => false,
      async run() {
        await sleep(20);
        other = true;
      },
    },
  ];
  await assert.rejects(runSteps(steps, quiet), /failed at "bad"[^]*no network/);
  assert.ok(other);
});
