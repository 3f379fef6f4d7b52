import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gather } from './throttle.ts';

function manualClock() {
  let now = 0;
  let pending: { at: number; run: () => void }[] = [];
  return {
    now: () => now,
    after(ms: number, run: () => void) {
      const entry = { at: now + ms, run };
      pending.push(entry);
      return () => {
        pending = pending.filter((other) => other !== entry);
      };
    },
    advance(ms: number) {
      now += ms;
      const due = pending.filter((entry) => entry.at <= now);
      pending = pending.filter((entry) => entry.at > now);
      for (const entry of due) entry.run();
    },
  };
}

test('a first key is handed over at once, a burst after it together and once an interval', () => {
  const clock = manualClock();
  const flushed: string[][] = [];
  const gatherer = gather<string>(1000, (keys) => flushed.push([...keys]), clock);
  gatherer.add('a');
  clock.advance(0);
  for (let i = 0; i < 50; i++) {
    gatherer.add('b');
    gatherer.add('c');
    clock.advance(10);
  }
  assert.deepEqual(flushed, [['a']]);
  clock.advance(500);
  assert.deepEqual(flushed, [['a'], ['b', 'c']]);
  clock.advance(5000);
  assert.equal(flushed.length, 2);
});

test('nothing is handed over after close', () => {
  const clock = manualClock();
  const flushed: unknown[] = [];
  const gatherer = gather<string>(1000, (keys) => flushed.push(keys), clock);
  gatherer.add('a');
  gatherer.close();
  clock.advance(2000);
  assert.deepEqual(flushed, []);
});
