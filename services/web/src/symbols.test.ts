import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PRECISION_STYLE } from './precision.ts';
import { SYMBOL_NAMES, symbolCorners, symbolPath } from './symbols.ts';

test('every mark covers the area it was asked for', () => {
  for (const name of SYMBOL_NAMES) {
    const corners = symbolCorners(name, 60);
    const area = corners.reduce((sum, [x, y], i) => {
      const [nx, ny] = corners[(i + 1) % corners.length]!;
      return sum + x * ny - nx * y;
    }, 0);
    assert.ok(Math.abs(Math.abs(area) / 2 - 60) < 1e-6, name);
    assert.match(symbolPath(name, 60), /^M[^LZ]+(L[^LZ]+)+Z$/);
  }
});

test('no two precisions share a mark or a colour', () => {
  const styles = Object.values(PRECISION_STYLE);
  assert.equal(new Set(styles.map((style) => style.symbol)).size, styles.length);
  assert.equal(new Set(styles.map((style) => style.color)).size, styles.length);
});
