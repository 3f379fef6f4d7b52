import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { durationInterval, estimateDuration } from './duration.ts';
import { normal, seeded } from './random.ts';
import { pastTrial, WORK } from './testing/past.ts';
import type { PastTrial, Work } from './types.ts';

const RUNNER_FACTS = { device: null, parallel: 4 };
const secondsOf = (target: Partial<Work>, history: readonly PastTrial[]) => {
  const estimate = estimateDuration({ ...WORK, ...target }, history, RUNNER_FACTS);
  assert.ok(estimate);
  return { ...estimate, seconds: Math.exp(estimate.centre) };
};
const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-9 * expected, `${actual} is not ${expected}`);

test('nothing like it has run: no estimate', () => {
  assert.equal(estimateDuration(WORK, [], RUNNER_FACTS), null);
  assert.equal(
    estimateDuration(WORK, [pastTrial({ modelKey: 'another', cellId: 'b', likeKey: 'b' })], RUNNER_FACTS),
    null,
  );
  const h100 = { ...WORK, gpuClass: 'h100' };
  assert.equal(estimateDuration(h100, [pastTrial({ gpuClass: 'a100' })], RUNNER_FACTS), null);
  assert.equal(estimateDuration(WORK, [pastTrial()], { device: 'another GPU', parallel: 4 }), null);
});

test('a history without variation is repeated exactly', () => {
  const { basis, n, seconds } = secondsOf({}, [pastTrial(), pastTrial(), pastTrial()]);
  assert.deepEqual([basis, n], ['same-cell', 3]);
  close(seconds, 82);
});

test('the most alike trials count alone', () => {
  const others = [
    pastTrial({ cellId: 'b', likeKey: 'b', method: 'full', trainSeconds: 900 }),
    pastTrial({ cellId: 'c', likeKey: 'c', trainSeconds: 400 }),
    pastTrial({ cellId: 'd', trainSeconds: 100 }),
    pastTrial(),
  ];
  const bases = [0, 1, 2, 3].map((from) => secondsOf({}, others.slice(0, 4 - from)).basis);
  assert.deepEqual(bases, ['same-cell', 'same-shape', 'scaled', 'rough']);
});

test('only what grows with the steps is scaled by the steps', () => {
  const { basis, seconds } = secondsOf({ cellId: 'b', steps: 400 }, [pastTrial()]);
  assert.equal(basis, 'same-shape');
  close(seconds, 82 + 300 * 0.5);
});

test('scores are scaled by their tokens, up to those that there are', () => {
  close(secondsOf({ cellId: 'b', evaluationTokens: 500 }, [pastTrial()]).seconds, 82 - 10);
  const whole = pastTrial({ evaluationTokens: 4000, evaluatedTokens: 1000 });
  close(secondsOf({ cellId: 'b', evaluationTokens: 2000 }, [whole]).seconds, 82);
  close(secondsOf({ cellId: 'b', beforeTraining: false }, [pastTrial()]).seconds, 72);
});

test('two depths tell what a layer costs; one leaves it open', () => {
  const deep = { cellId: 'deep', likeKey: 'deep' };
  const at = (layers: number) =>
    pastTrial({ cellId: `${layers}`, likeKey: `${layers}`, layers, trainSeconds: 20 + layers });
  const fitted = secondsOf({ ...deep, layers: 32 }, [at(16), at(8)]);
  assert.equal(fitted.basis, 'scaled');
  // Scores scale with depth too: 52 units at 32 layers against 36 at 16 and 28 at 8.
  const logs = [12 + 52 + 20 * (52 / 36), 12 + 52 + 20 * (52 / 28)].map(Math.log);
  close(fitted.seconds, Math.exp(((logs[0] ?? 0) + (logs[1] ?? 0)) / 2));
  const guessed = secondsOf({ ...deep, layers: 32 }, [at(16)]);
  assert.ok(guessed.scaleSpread > fitted.scaleSpread, 'what is assumed is less certain');
});

test('where scores of the untrained model are taken over, only a first trial of a new cell makes them', () => {
  const cached = pastTrial({ rawCached: true, evaluateRawSeconds: 0 });
  const again = secondsOf({}, [cached, pastTrial()]);
  close(again.seconds, 72);
  assert.equal(again.firstExtraSeconds, 0);
  const fresh = secondsOf({ cellId: 'b' }, [cached, pastTrial()]);
  close(fresh.seconds, 72);
  close(fresh.firstExtraSeconds, 10);
});

test('on a CPU, trials that ran as many at once are preferred', () => {
  const cpu = { deviceKind: 'cpu', device: 'CPU', gpus: 0 } as const;
  const history = [pastTrial({ ...cpu, parallel: 1 }), pastTrial({ ...cpu, parallel: 4, trainSeconds: 150 })];
  close(secondsOf({ gpus: 0 }, history).seconds, 182);
});

test('waiting for a GPU before the trainer starts does not count as work', () => {
  const waited = [0, 0, 900, 1800].map((wait) => pastTrial({ launchSeconds: 1 + wait }));
  close(secondsOf({}, waited).seconds, 82);
});

test('intervals are ordered, hold the median, and grow with what widens them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 1, max: 1e5, noNaN: true }), { minLength: 1, maxLength: 60 }),
      fc.double({ min: 1, max: 5, noNaN: true }),
      (durations, widening) => {
        const estimate = estimateDuration(
          WORK,
          durations.map((trainSeconds) => pastTrial({ trainSeconds })),
          RUNNER_FACTS,
        );
        assert.ok(estimate);
        const plain = durationInterval(estimate);
        const wide = durationInterval(estimate, widening);
        assert.ok(plain.low < plain.median && plain.median < plain.high);
        assert.ok(wide.low <= plain.low && wide.high >= plain.high);
      },
    ),
  );
});

/** Histories of n trials with log-normal durations: how often is the next one inside its interval? */
function coverage(n: number, spread: number, seed: number): number {
  const random = seeded(seed);
  const draw = () => Math.exp(4 + spread * normal(random));
  let inside = 0;
  const rounds = 1500;
  for (let round = 0; round < rounds; round += 1) {
    const history = Array.from({ length: n }, () => {
      const wallSeconds = draw();
      const share = wallSeconds / 80;
      return pastTrial({
        launchSeconds: 0,
        wallSeconds,
        totalSeconds: 80 * share,
        trainSeconds: 50 * share,
        evaluateRawSeconds: 10 * share,
        evaluateSeconds: 10 * share,
      });
    });
    const estimate = estimateDuration(WORK, history, RUNNER_FACTS);
    assert.ok(estimate);
    const { low, high } = durationInterval(estimate);
    const next = draw();
    if (next >= low && next <= high) inside += 1;
  }
  return inside / rounds;
}

test('four of five trials lie inside their interval, if durations are log-normal', () => {
  for (const spread of [0.2, 0.35]) {
    for (const n of [3, 8, 20]) {
      const share = coverage(n, spread, 7);
      assert.ok(share > 0.73 && share < 0.88, `${share} of trials with n = ${n}, spread ${spread}`);
    }
  }
});
