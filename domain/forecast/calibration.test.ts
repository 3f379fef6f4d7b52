/** Whole experiments in made-up worlds: how often does what happens lie in the interval that was told before? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationInterval, estimateDuration } from './duration.ts';
import { forecast } from './forecast.ts';
import type { Queue } from './queue.ts';
import { normal, type Random, seeded } from './random.ts';
import { simulate } from './simulate.ts';
import { experimentOf, pastTrial, WORK } from './testing/past.ts';

const ROUNDS = 300;

/** One world: three cells with a history of `n` trials each, twelve trials to run, three at a time. */
function round(n: number, spread: number, random: Random): { readonly end: boolean; readonly duration: boolean } {
  const cells = [0, 1, 2].map((index) => {
    const centre = 4 + index / 2;
    const draw = () => Math.exp(centre + spread * normal(random));
    const history = Array.from({ length: n }, () => {
      const seconds = draw();
      return pastTrial({
        launchSeconds: 0,
        wallSeconds: seconds,
        totalSeconds: seconds * 0.98,
        trainSeconds: seconds * 0.7,
        evaluateRawSeconds: seconds * 0.1,
        evaluateSeconds: seconds * 0.1,
      });
    });
    const estimate = estimateDuration(WORK, history, { device: null, parallel: 3 });
    assert.ok(estimate);
    return { draw, cell: { cellId: `${index}`, estimate, pool: null, gpus: 1 } };
  });
  const pending = Array.from({ length: 12 }, (_, index) => index % 3);
  const queue: Queue = {
    experiments: [experimentOf('e', { maxParallel: 3, cells: cells.map(({ cell }) => cell), pending })],
    pools: new Map(),
  };
  const end = forecast(queue, { seed: 1, draws: 100 })[0]?.end;
  const actual = pending.map((cell) => cells[cell]?.draw() ?? 0);
  const spans = simulate(queue, [{ remaining: [], pending: actual }])[0]?.pending ?? [];
  const ended = Math.max(...spans.map((span) => span.end));
  const first = cells[0];
  assert.ok(end && first);
  const one = durationInterval(first.cell.estimate);
  const trial = first.draw();
  return { end: ended >= end.low && ended <= end.high, duration: trial >= one.low && trial <= one.high };
}

for (const [n, spread] of [
  [2, 0.2],
  [5, 0.1],
  [5, 0.3],
  [20, 0.25],
] as const) {
  test(`at least about four of five ends lie inside, with ${n} past trials of a cell and a spread of ${spread}`, () => {
    const random = seeded(n * 100 + spread * 1000);
    const rounds = Array.from({ length: ROUNDS }, () => round(n, spread, random));
    const share = rounds.filter(({ end }) => end).length / ROUNDS;
    // Few samples of little spread are trusted less than they deserve, so more may lie inside.
    assert.ok(share > 0.72, `${share} of experiments`);
    const trials = rounds.filter(({ duration }) => duration).length / ROUNDS;
    assert.ok(trials > 0.72, `${trials} of trials`);
  });
}
