import type { PendingReason } from '@lamina/domain/contract/pending.ts';

/** A reason on one line, for tables: `kind: text`. */
export function spoken(reason: PendingReason | null): string | null {
  return reason === null ? null : `${reason.kind}: ${reason.text}`;
}
