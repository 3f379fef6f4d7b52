import type { PendingKind } from '@lamina/domain/contract/runner.ts';

export interface Reason {
  readonly kind: PendingKind;
  /** For somebody who does not know Kubernetes. */
  readonly sentence: string;
}

export function reason(kind: PendingKind, sentence: string): Reason {
  return { kind, sentence };
}
