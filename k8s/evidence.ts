/** What is known of an attempt in the cluster; the diagnosis is made from this and nothing else. */
import type { CoreV1Event, V1Job, V1Node, V1Pod } from '@kubernetes/client-node';
import type { TrialExit } from '@lamina/domain/contract/trial.ts';

export interface AttemptEvidence {
  /** Null where it is gone. */
  readonly job: V1Job | null;
  /** Pods of the Job as last seen, also those that are gone by now. */
  readonly pods: readonly V1Pod[];
  /** The nodes the pods were bound to, as far as they are known. */
  readonly nodes: ReadonlyMap<string, V1Node>;
  /** Events about the Job and its pods, as far as they were asked for. */
  readonly events: readonly CoreV1Event[];
  /** exit.json from the artifact store; null where there is none or it was not read. */
  readonly exit: TrialExit | null;
  readonly nowMs: number;
}
