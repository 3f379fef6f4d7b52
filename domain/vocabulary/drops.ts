/** Why a cell of the matrix is left out. */
export const DROP_REASONS = [
  'full-needs-unquantized',
  'lora-needs-unquantized',
  'qlora-needs-quantized',
  'excluded',
  'too-many-layers',
  'unsupported-precision',
  'checkpoint-precision',
  'does-not-fit',
  'duplicate',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];
