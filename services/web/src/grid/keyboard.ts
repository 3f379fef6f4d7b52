import type { KeyboardEvent } from 'react';

/** Arrow keys among the squares of a table: one stop of the tab order, however many trials there are. */
export function moveFocus(event: KeyboardEvent<HTMLTableElement>): void {
  const squares = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-trial]')];
  const at = squares.indexOf(document.activeElement as HTMLElement);
  if (at === -1) return;
  const target = next(squares, at, event.key);
  if (target === undefined) return;
  event.preventDefault();
  for (const square of squares) square.tabIndex = square === target ? 0 : -1;
  target.focus();
}

function next(squares: readonly HTMLElement[], at: number, key: string): HTMLElement | undefined {
  switch (key) {
    case 'ArrowRight':
      return squares[at + 1];
    case 'ArrowLeft':
      return squares[at - 1];
    case 'ArrowDown':
      return nearest(squares, at, 1);
    case 'ArrowUp':
      return nearest(squares, at, -1);
    case 'Home':
      return squares[0];
    case 'End':
      return squares.at(-1);
    default:
      return undefined;
  }
}

/** The square nearest by column in the closest row of squares above (−1) or below (1). */
function nearest(squares: readonly HTMLElement[], at: number, direction: 1 | -1): HTMLElement | undefined {
  const from = squares[at]?.getBoundingClientRect();
  if (!from) return undefined;
  const others = squares
    .map((square) => ({ square, box: square.getBoundingClientRect() }))
    .filter(({ box }) => direction * (box.top - from.top) > from.height / 2);
  const row = Math.min(...others.map(({ box }) => Math.abs(box.top - from.top)));
  return others
    .filter(({ box }) => Math.abs(Math.abs(box.top - from.top) - row) < 2)
    .toSorted((a, b) => Math.abs(a.box.left - from.left) - Math.abs(b.box.left - from.left))[0]?.square;
}
