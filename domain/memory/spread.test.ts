import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KINDS } from './overhead.ts';
import { DEFAULT_MARGINS, neededBytes, probabilityOfFitting, spreadOf, updated } from './spread.ts';
import { judgedRows, spreadsOf } from './testing/spreads.ts';

const RUN = { bytes: 1e10, uncertain: 1 };
const SPREAD = { location: 0, scale: 0.1, freedom: 5 };

test('what is needed at a risk is what fits with the rest of the probability', () => {
  for (const risk of [0.01, 0.05, 0.3])
    assert.ok(Math.abs(probabilityOfFitting(RUN, neededBytes(RUN, SPREAD, risk), SPREAD) - (1 - risk)) < 1e-6);
  // Student's t with five degrees of freedom: 2.015 at 95 %.
  assert.ok(Math.abs(Math.log(neededBytes(RUN, SPREAD, 0.05) / 1e10) - 0.2015) < 1e-4);
});

test('what is known exactly is not doubted: a run that is mostly weights needs little more than its estimate', () => {
  const mostlyWeights = { ...RUN, uncertain: 0.05 };
  assert.ok(neededBytes(mostlyWeights, SPREAD, 0.05) < 1.1e10);
  assert.ok(
    Math.abs(probabilityOfFitting(mostlyWeights, neededBytes(mostlyWeights, SPREAD, 0.1), SPREAD) - 0.9) < 1e-6,
  );
});

test('nothing measured, nothing changed; many alike trials decide, few are drawn towards what was assumed', () => {
  assert.deepEqual(updated(SPREAD, []), SPREAD);
  const few = updated(SPREAD, [0.1]);
  const many = updated(
    SPREAD,
    Array.from({ length: 297 }, () => 0.1),
  );
  assert.ok(Math.abs(few.location - 0.025) < 1e-9 && Math.abs(many.location - 0.1) < 0.002);
  assert.ok(many.scale < 0.02 && few.scale > 0.08, `${many.scale} ${few.scale}`);
});

test('trials that are far off widen the spread, in any order', () => {
  const usual = [0.01, -0.01, 0.02, 0, -0.02];
  assert.ok(updated(SPREAD, [...usual, 0.6]).scale > updated(SPREAD, usual).scale);
  assert.deepEqual(updated(SPREAD, [0.6, 0.01]), updated(SPREAD, [0.01, 0.6]));
});

test('a source counts once, however many rows it has', () => {
  const once = spreadOf([[0.1], [-0.1]]);
  const often = spreadOf([[0.1, 0.1, 0.1, 0.1], [-0.1]]);
  assert.deepEqual([often.location, often.freedom], [once.location, once.freedom]);
  assert.ok(Math.abs(often.scale - once.scale) < 1e-12);
});

test('what is assumed of each kind is what the published rows say', () => {
  const found = spreadsOf(judgedRows());
  for (const kind of KINDS) {
    const { location, scale, freedom } = found[kind];
    const rounded = { location: Number(location.toFixed(3)), scale: Number(scale.toFixed(3)), freedom };
    assert.deepEqual(DEFAULT_MARGINS[kind], rounded, kind);
  }
});

test('of rows that are said to fit at 95 %, at least 93 % did: each source judged by the others', () => {
  const rows = judgedRows();
  const fits = rows.map((row) => {
    const spread = spreadsOf(rows.filter(({ source }) => source !== row.source))[row.kind];
    return row.measuredBytes <= neededBytes(row.predicted, spread, 0.05);
  });
  assert.ok(rows.length >= 75);
  const share = fits.filter(Boolean).length / fits.length;
  assert.ok(share >= 0.93, String(share));
});

test('runs that died for memory are not said to fit the card that they died on', () => {
  const died = judgedRows({ died: true });
  assert.equal(died.length, 10);
  for (const { id, kind, predicted, measuredBytes } of died)
    assert.ok(probabilityOfFitting(predicted, measuredBytes, DEFAULT_MARGINS[kind]) < 0.5, id);
});
