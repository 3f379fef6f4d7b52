/** Marks of equal area, drawn by plots and by their legends from the same corners. */
type Corner = readonly [x: number, y: number];

function regular(corners: number, turn: number): readonly Corner[] {
  return Array.from({ length: corners }, (_, i) => {
    const angle = turn + (2 * Math.PI * i) / corners;
    return [Math.cos(angle), Math.sin(angle)] as const;
  });
}

function star(): readonly Corner[] {
  return regular(10, -Math.PI / 2).map(([x, y], i) => (i % 2 === 0 ? [x, y] : [x * 0.45, y * 0.45]));
}

const cross: readonly Corner[] = [
  [-1, -3],
  [1, -3],
  [1, -1],
  [3, -1],
  [3, 1],
  [1, 1],
  [1, 3],
  [-1, 3],
  [-1, 1],
  [-3, 1],
  [-3, -1],
  [-1, -1],
];

/** Wide at top and bottom, narrow between. */
const waisted: readonly Corner[] = [
  [-1, -1],
  [1, -1],
  [0.3, 0],
  [1, 1],
  [-1, 1],
  [-0.3, 0],
];

function rectangle(width: number, height: number): readonly Corner[] {
  return [
    [-width, -height],
    [width, -height],
    [width, height],
    [-width, height],
  ];
}

const trapezium: readonly Corner[] = [
  [-1, -1],
  [1, -1],
  [2, 1],
  [-2, 1],
];

const CORNERS = {
  circle: regular(36, 0),
  square: regular(4, Math.PI / 4),
  diamond: regular(4, 0),
  triangle: regular(3, -Math.PI / 2),
  'triangle-down': regular(3, Math.PI / 2),
  'triangle-left': regular(3, Math.PI),
  'triangle-right': regular(3, 0),
  pentagon: regular(5, -Math.PI / 2),
  hexagon: regular(6, 0),
  star: star(),
  cross,
  hourglass: waisted,
  'bow-tie': waisted.map(([x, y]): Corner => [y, x]).toReversed(),
  bar: rectangle(2.4, 1),
  post: rectangle(1, 2.4),
  octagon: regular(8, Math.PI / 8),
  saltire: cross.map(([x, y]): Corner => [x - y, x + y]),
  trapezium,
};

export type SymbolName = keyof typeof CORNERS;
export const SYMBOL_NAMES = Object.keys(CORNERS) as readonly SymbolName[];

/** Corners scaled to an area in square pixels. */
export function symbolCorners(name: SymbolName, area: number): readonly Corner[] {
  const corners = CORNERS[name];
  const scale = Math.sqrt(area / polygonArea(corners));
  return corners.map(([x, y]) => [x * scale, y * scale] as const);
}

/** An SVG path around the origin. */
export function symbolPath(name: SymbolName, area: number): string {
  const corners = symbolCorners(name, area).map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`);
  return `M${corners.join('L')}Z`;
}

/** The same mark in the form that plots take. */
export function symbolType(name: SymbolName) {
  return {
    draw(
      context: { moveTo(x: number, y: number): void; lineTo(x: number, y: number): void; closePath(): void },
      area: number,
    ) {
      symbolCorners(name, area).forEach(([x, y], i) => {
        if (i === 0) context.moveTo(x, y);
        else context.lineTo(x, y);
      });
      context.closePath();
    },
  };
}

function polygonArea(corners: readonly Corner[]): number {
  const doubled = corners.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = corners[(i + 1) % corners.length] ?? [0, 0];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(doubled) / 2;
}
