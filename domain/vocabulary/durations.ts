/** What an estimate of a trial's duration is made from, from the closest likeness to the farthest. */
export const BASES = ['same-cell', 'same-shape', 'scaled', 'rough'] as const;
export type Basis = (typeof BASES)[number];
