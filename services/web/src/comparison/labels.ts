/** Places short labels next to points so that none covers a point or another label. */
export interface Anchor {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

export interface Placed {
  /** Index into the anchors. */
  readonly index: number;
  /** Centre of the label. */
  readonly x: number;
  readonly y: number;
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Greedy, in the order given: a label that fits nowhere is left out. Pixels throughout. */
export function placeLabels(
  anchors: readonly Anchor[],
  options: {
    readonly frame: Box;
    readonly obstacles: readonly { readonly x: number; readonly y: number }[];
    readonly charWidth?: number;
    readonly height?: number;
    readonly gap?: number;
  },
): readonly Placed[] {
  const { frame, obstacles, charWidth = 6.2, height = 14, gap = 8 } = options;
  const marks = obstacles.map(({ x, y }) => box(x, y, 10, 10));
  const placed: (Placed & { box: Box })[] = [];
  anchors.forEach(({ x, y, text }, index) => {
    const width = text.length * charWidth;
    const candidates = [
      [x + gap + width / 2, y],
      [x - gap - width / 2, y],
      [x, y - gap - height / 2],
      [x, y + gap + height / 2],
      [x + gap + width / 2, y - height],
      [x + gap + width / 2, y + height],
      [x - gap - width / 2, y - height],
      [x - gap - width / 2, y + height],
    ] as const;
    for (const [cx, cy] of candidates) {
      const candidate = box(cx, cy, width, height);
      if (!inside(candidate, frame)) continue;
      if (marks.some((mark) => overlap(mark, candidate))) continue;
      if (placed.some((other) => overlap(other.box, candidate))) continue;
      placed.push({ index, x: cx, y: cy, box: candidate });
      return;
    }
  });
  return placed.map(({ box: _, ...label }) => label);
}

function box(x: number, y: number, width: number, height: number): Box {
  return { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
}

function inside(inner: Box, outer: Box): boolean {
  return (
    inner.left >= outer.left && inner.right <= outer.right && inner.top >= outer.top && inner.bottom <= outer.bottom
  );
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
