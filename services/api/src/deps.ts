import type { ArtifactStore } from '@lamina/platform/application/ports/artifacts.ts';
import type { ExperimentControl } from '@lamina/platform/application/ports/control.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import type { Tracer } from '@lamina/platform/application/ports/tracer.ts';
import type { Logger } from '@lamina/platform/process/logging.ts';
import type { Metrics } from '@lamina/platform/process/metrics.ts';

/** Everything the API works with. It reads no environment and opens nothing itself. */
export interface ApiDeps {
  readonly store: ExperimentStore;
  readonly artifacts: ArtifactStore;
  readonly control: ExperimentControl;
  /** Key of the attempt tokens. */
  readonly secret: string;
  readonly defaults: {
    /** Where relative paths of documents start from when the request names no folder. */
    readonly baseDirectory: string;
    /** Folder of the hub's local cache (`…/huggingface/hub`), for the depth of hub models; null: not looked at. */
    readonly hubCache: string | null;
  };
  /** Traces memory of models without formulas; null, and unless given: they have no estimate. */
  readonly tracer?: Tracer | null;
  /** The built dashboard; null: none is served. */
  readonly webRoot: string | null;
  /** The self-contained report page that takes a comparison; null: no HTML comparison. */
  readonly reportTemplate: string | null;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Host names that are answered to; null: any. Unless given, those of this machine alone. */
  readonly allowedHosts?: readonly string[] | null;
  /** Requests a minute from one address; event intake is not counted. 6,000 unless given. */
  readonly requestsPerMinute?: number;
}
