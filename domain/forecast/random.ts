/** Draws from a generator that is passed in: the same seed gives the same draws. */

/** Uniform in [0, 1). */
export type Random = () => number;

/** SplitMix32-like generator of 32 bits: good enough for a few thousand draws, and the same on every machine. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** A seed for a stream of its own: draws of one experiment do not depend on how many others there are. */
export function streamSeed(text: string, index: number): number {
  let hash = (0x811c9dc5 ^ Math.imul(index + 1, 0x9e3779b9)) >>> 0;
  for (let position = 0; position < text.length; position += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(position), 0x01000193) >>> 0;
  }
  return hash;
}

/** Standard normal (Box and Muller 1958). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/**
 * Standard normal, given that it is above `least`: rejection from the normal below zero, from an exponential above
 * (Robert 1995, Statistics and Computing 5, "Simulation of truncated normal variables").
 */
export function normalAbove(least: number, random: Random): number {
  if (least <= 0) {
    for (;;) {
      const draw = normal(random);
      if (draw > least) return draw;
    }
  }
  const rate = (least + Math.sqrt(least * least + 4)) / 2;
  for (;;) {
    const draw = least - Math.log(1 - random()) / rate;
    if (random() <= Math.exp(-((draw - rate) ** 2) / 2)) return draw;
  }
}
