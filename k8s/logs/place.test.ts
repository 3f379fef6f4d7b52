import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LogPlace } from './place.ts';

/** As the kubelet writes them: nanoseconds without trailing zeros. */
function stampOf(nanoseconds: number): string {
  const second = new Date(Math.floor(nanoseconds / 1e9) * 1000).toISOString().slice(0, 19);
  const fraction = String(nanoseconds % 1e9)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return fraction === '' ? `${second}Z` : `${second}.${fraction}Z`;
}

test('whatever is cut wherever, each line is read once and in order', () => {
  // Several lines may share a time stamp.
  const gaps = fc.array(fc.constantFrom(0, 0, 1, 1_000, 400_000_000, 1_000_000_000), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(gaps, fc.array(fc.nat(40), { maxLength: 6 }), (waits, cuts) => {
      let now = 0;
      const log = waits.map((wait, index) => {
        now += wait;
        return { stamp: stampOf(now), text: `line ${index}` };
      });
      const place = new LogPlace();
      const read: string[] = [];
      for (const count of [...cuts, log.length]) {
        const since = place.sinceTime;
        const sent = log.filter(({ stamp }) => since === undefined || Date.parse(stamp) >= Date.parse(since));
        for (const { stamp, text } of sent.slice(0, count)) {
          const taken = place.take(`${stamp} ${text}`);
          if (taken !== null) read.push(taken);
        }
      }
      assert.deepEqual(
        read,
        log.map(({ text }) => text),
      );
    }),
  );
});

test('time stamps of another zone are the same times', () => {
  const place = new LogPlace();
  assert.equal(place.take('2026-01-01T01:00:00.5+01:00 a'), 'a');
  assert.equal(place.sinceTime, '2026-01-01T00:00:00.000Z');
  assert.equal(place.take('2026-01-01T01:00:00.5+01:00 a'), null);
  assert.equal(place.take('2026-01-01T01:00:00.6+01:00'), '');
});
