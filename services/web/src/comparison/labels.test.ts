import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { placeLabels } from './labels.ts';

const frame = { left: 0, right: 400, top: 0, bottom: 300 };
const [charWidth, height] = [6, 14];

test('no label leaves the frame, covers a point or another label', () => {
  const anchor = fc.record({
    x: fc.integer({ min: 0, max: 400 }),
    y: fc.integer({ min: 0, max: 300 }),
    text: fc.constantFrom('6 layers', '18', '12 layers'),
  });
  fc.assert(
    fc.property(fc.array(anchor, { maxLength: 40 }), (anchors) => {
      const boxes = placeLabels(anchors, { frame, obstacles: anchors, charWidth, height }).map(({ index, x, y }) => {
        const width = anchors[index]!.text.length * charWidth;
        return { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
      });
      boxes.forEach((box, i) => {
        assert.ok(box.left >= 0 && box.right <= 400 && box.top >= 0 && box.bottom <= 300);
        for (const { x, y } of anchors) {
          assert.ok(!(x > box.left && x < box.right && y > box.top && y < box.bottom), 'covers a point');
        }
        for (const other of boxes.slice(i + 1)) {
          assert.ok(
            box.right <= other.left || other.right <= box.left || box.bottom <= other.top || other.bottom <= box.top,
            'covers a label',
          );
        }
      });
    }),
  );
});

test('a lone point is labelled at its right, near the right edge at its left', () => {
  const right = placeLabels([{ x: 50, y: 50, text: 'ab' }], { frame, obstacles: [] });
  assert.ok(right[0]!.x > 50);
  const left = placeLabels([{ x: 398, y: 50, text: 'ab' }], { frame, obstacles: [] });
  assert.ok(left[0]!.x < 398);
});
