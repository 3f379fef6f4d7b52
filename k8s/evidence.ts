/** What is known of an attempt in the cluster; the diagnosis is made from this and nothing else. */
import type { CoreV1Event, V1Job, V1Node, V1Pod } from '@kubernetes/client-node';
import type { TrialExit } from '@lamina/domain/contract/trial.ts';

export interface AttemptEvidence {
  /** Null where it is gone. */
  readonly job: V1Job | null;
  /** Pods of the Job as last seen, also those that are gone by now. */
  readonly pods: readonly V1Pod[];
  /** The uids of those pods that are gone: nothing will be heard of them any more. */
  readonly gonePods: ReadonlySet<string>;
  /** The nodes the pods were bound to, as far as they are known. */
  readonly nodes: ReadonlyMap<string, V1Node>;
  /** Events about the Job, its pods and their nodes, as far as they were asked for. */
  readonly events: readonly CoreV1Event[];
  /** exit.json from the artifact store; null where there is none or it was not read. */
  readonly exit: TrialExit | null;
  /** result.json from the artifact store; null where it was not looked for. */
  readonly result: ResultEvidence | null;
  readonly nowMs: number;
}

export type ResultEvidence =
  | {
      readonly status: 'succeeded' | 'diverged';
      /** Digest of the file's bytes, lower case hexadecimal, to compare with the digest that the trainer announced. */
      readonly sha256: string | null;
    }
  /** Why there is no usable result. */
  | { readonly problem: string };
