/** The offered media type that an Accept header likes best; the first one where it does not care; null: none. */
export function preferred(accept: string | undefined, offered: readonly string[]): string | null {
  if (accept === undefined || accept.trim() === '') return offered[0] ?? null;
  const ranges = accept.split(',').map((part) => {
    const [range = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    return { range, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 };
  });
  const rated = offered.map((type) => ({ type, quality: qualityOf(type, ranges) }));
  const best = rated.reduce<{ type: string; quality: number } | null>(
    (top, next) => (next.quality > (top?.quality ?? 0) ? next : top),
    null,
  );
  return best?.type ?? null;
}

/** By the most specific range that matches, as RFC 9110 wants. */
function qualityOf(type: string, ranges: readonly { range: string; quality: number }[]): number {
  const family = `${type.split('/')[0]}/*`;
  for (const wanted of [type, family, '*/*']) {
    const match = ranges.find(({ range }) => range === wanted);
    if (match !== undefined) return match.quality;
  }
  return 0;
}
