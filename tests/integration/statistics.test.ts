/** The differences between cells and the set of possibly best ones, on random data, against an independent program in SciPy. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { normal, seeded } from '@lamina/domain/forecast/random.ts';
import { bestSet } from '@lamina/domain/results/best-set.ts';
import { differencesAmong, halfWidth, pOf, textVariance } from '@lamina/domain/results/differences.ts';
import { trainerEnvironment, trainerPython } from '../support/trainer.ts';

interface Case {
  readonly cells: readonly { model: string; depth: string; values: readonly (number | null)[] }[];
  readonly text: { differences: readonly (readonly number[])[]; tokens: readonly number[] };
}
interface Answer {
  readonly pairs: readonly (readonly [i: number, j: number, Readonly<Record<string, number | null>>])[];
  readonly best: readonly (readonly [place: number, atMostWorse: number | null])[];
}

const PROGRAM = fileURLToPath(new URL('../support/paired_differences.py', import.meta.url));
const random = seeded(43);
const below = (limit: number): number => Math.floor(random() * limit);

/** Up to four depths of one to five cells, two to five seeds, and now and then a missing trial or a second model. */
function drawn(): Case {
  const seeds = 2 + below(4);
  const cells = Array.from({ length: 2 + below(3) }, (_, depth) => {
    const shared = Array.from({ length: seeds }, () => 0.05 * normal(random));
    return Array.from({ length: 1 + below(5) }, (_cell, index) => ({
      model: random() < 0.1 ? 'other' : 'model',
      depth: String(depth),
      values: shared.map((own) =>
        random() < 0.1 ? null : 3 + 0.1 * depth + 0.02 * index + own + 0.02 * normal(random),
      ),
    }));
  }).flat();
  const records = 2 + below(20);
  const differences = Array.from({ length: 2 + below(3) }, () =>
    Array.from({ length: records }, () => 0.3 * normal(random)),
  );
  return { cells, text: { differences, tokens: Array.from({ length: records }, () => 1 + below(500)) } };
}

function close(actual: number | null, expected: number | null, what: string): void {
  const near =
    actual === null || expected === null
      ? actual === expected
      : Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected));
  assert.ok(near, `${what}: ${actual}, SciPy says ${expected}`);
}

test('40 random experiments: means, half widths, p values and best sets agree to 1e-9', () => {
  const cases = Array.from({ length: 40 }, drawn);
  const output = execFileSync(trainerPython(), [PROGRAM], {
    input: JSON.stringify(cases),
    env: trainerEnvironment(),
    maxBuffer: 2 ** 28,
  });
  const answers = JSON.parse(output.toString()) as readonly Answer[];
  assert.equal(answers.length, cases.length);
  for (const [number, { cells, text }] of cases.entries()) {
    const given = cells.map(({ values, ...cell }) => ({
      ...cell,
      values: new Map(values.flatMap((value, seed) => (value === null ? [] : [[String(seed), value] as const]))),
    }));
    const subtract = differencesAmong(given);
    const ofText = textVariance(text.differences, text.tokens);
    const withText = differencesAmong(given, { text: () => ofText });
    const answer = answers[number];
    for (const [i, j, figures] of answer?.pairs ?? []) {
      const [plain, both] = [subtract(i, j), withText(i, j)];
      const where = `experiment ${number}, cells ${i} and ${j}`;
      assert.equal(plain.n, figures.n, where);
      close(plain.mean, figures.mean ?? null, `${where}, mean`);
      close(halfWidth(plain, 0.025), figures.half ?? null, `${where}, half width`);
      close(pOf(plain), figures.p ?? null, `${where}, p`);
      close(halfWidth(both, 0.025), figures.withText ?? null, `${where}, half width with the text`);
      close(pOf(both), figures.pWithText ?? null, `${where}, p with the text`);
    }
    const places = [...cells.keys()];
    const found = bestSet(places, subtract);
    assert.deepEqual(
      found.map(({ place }) => place),
      answer?.best.map(([place]) => place),
    );
    for (const [index, { atMostWorse }] of found.entries()) {
      close(atMostWorse, answer?.best[index]?.[1] ?? null, `experiment ${number}, bound ${index}`);
    }
  }
});
