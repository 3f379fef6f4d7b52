/**
 * The REST API's bodies, shared by the API, the CLI and the dashboard.
 * Errors are RFC 9457 problem documents (`problem`).
 *
 * | method and path under /v1 | body or query | answer |
 * |---|---|---|
 * | POST experiments (Idempotency-Key) | submitBody, or the document as application/yaml (?baseDirectory, ?reuse) | experimentDetail: 201 started, 202 stored (it starts when the engine answers), 200 the key is known |
 * | POST experiments/preview | the same | previewView |
 * | POST estimates | the same, or a model of `source: config` | estimateView |
 * | GET forecast/accuracy | | forecastAccuracyView: how far past forecasts were off |
 * | GET gpus | | gpuInventoryView: classes of GPUs, and how many are free |
 * | GET experiments | listQuery | page(experimentView) |
 * | GET experiments/:id | | experimentDetail |
 * | POST experiments/:id/pause, resume, cancel | | actionView |
 * | POST experiments/:id/retry | retryBody | actionView |
 * | POST experiments/:id/extend | extendBody | actionView |
 * | GET experiments/:id/trials | trialsQuery | page(trialView) |
 * | GET experiments/:id/trials/:trialId | | trialDetail |
 * | GET experiments/:id/trials/:trialId/logs | logsQuery | text/plain, of the newest attempt |
 * | GET experiments/:id/preparation | | preparationView: how a dataset is or was generated; its log is that of trial `dataset` |
 * | GET experiments/:id/search | searchQuery | searchView (search-view.ts): studies, the best so far, and a page of suggestions |
 * | GET experiments/:id/attempts | ?trialId | attemptListView |
 * | GET experiments/:id/events (Last-Event-ID) | experimentEventsQuery | text/event-stream of streamEvent: the whole history unless resumed, then live |
 * | GET experiments/:id/comparison, comparison.json, .csv, .md, .html | limits, table, download | by suffix, else by Accept |
 * | GET attempts/:id | | attemptView |
 * | GET attempts/:id/logs | logsQuery | text/plain |
 * | GET attempts/:id/events | attemptEventsQuery | attemptEventsView: all events that its trainer has posted |
 * | POST attempts/:id/events (Bearer attempt token) | eventBatch | eventReceipt |
 *
 * Besides them: /healthz, /readyz, /metrics, /openapi.json, /docs.
 */
import { z } from 'zod';
import { DROP_REASONS } from '../vocabulary/drops.ts';
import { METHODS } from '../vocabulary/methods.ts';
import { PRECISIONS } from '../vocabulary/precisions.ts';
import { EXPERIMENT_STATES, PREPARATION_STATES, TRIAL_STATES } from '../vocabulary/states.ts';
import { blockedView } from './blocked.ts';
import { memoryView } from './estimate.ts';
import { durationView, experimentForecastView, forecastView } from './forecast.ts';
import { generationReport, generationSpec } from './generation.ts';
import { PENDING_KINDS, type PendingReason } from './pending.ts';
import { evaluationResult, trialResult } from './result.ts';
import { layerChoice, modelRef, trialSettings } from './settings.ts';
import { PHASES, plan, trialEvent } from './trial.ts';

const timestamp = z.iso.datetime({ offset: true });
const counts = z.partialRecord(z.enum(TRIAL_STATES), z.number().int());

export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().optional(),
  instance: z.string().optional().describe("the request's id, as it is in the log"),
  /** Stable code, see docs/errors.md. */
  code: z.string(),
  errors: z
    .array(z.object({ path: z.string(), message: z.string(), fix: z.string().optional() }))
    .optional()
    .describe('every mistake at once, each with its path in the document'),
});
export type Problem = z.infer<typeof problem>;

/** POST /v1/experiments and /v1/experiments/preview: the document as YAML text or parsed JSON. */
export const submitBody = z.object({
  document: z.union([z.string(), z.record(z.string(), z.unknown())]),
  /** Folder that relative paths in the document start from, on the server's machine. */
  baseDirectory: z.string().optional(),
  reuse: z.boolean().default(true).describe('take over finished trials with the same id'),
});

export const cellView = z.object({
  id: z.string(),
  label: z.string(),
  model: modelRef,
  layers: layerChoice,
  precision: z.enum(PRECISIONS),
  method: z.enum(METHODS),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});
export type CellView = z.infer<typeof cellView>;

export const droppedCellView = z.object({ label: z.string(), reason: z.enum(DROP_REASONS), message: z.string() });

export const previewView = z.object({
  name: z.string(),
  cells: z.array(
    cellView.extend({
      seeds: z.array(z.number().int()),
      reused: z.number().int(),
      plan: plan.describe('what its first attempts run with'),
      memory: memoryView
        .nullable()
        .describe("GPU memory; null where the model's configuration is not known, or trials run on a CPU"),
      duration: durationView.nullable().describe('of one trial; null: no like trial has run yet, or none is to run'),
    }),
  ),
  dropped: z.array(droppedCellView),
  trials: z.number().int(),
  suggestions: z.number().int().describe('trials that a search adds to these, at most'),
  reused: z.number().int().describe('trials that need no run: an identical one has been measured'),
  baselineCellId: z.string().nullable(),
  forecast: forecastView
    .nullable()
    .describe('when its trials would start and end; null where none is to run, or none is made'),
  warnings: z.array(z.string()),
});
export type PreviewView = z.infer<typeof previewView>;

export const experimentView = z.object({
  id: z.string(),
  name: z.string(),
  state: z.enum(EXPERIMENT_STATES),
  counts,
  total: z.number().int(),
  cells: z.number().int().nullable(),
  dropped: z.array(droppedCellView),
  baselineCellId: z.string().nullable(),
  createdAt: timestamp,
  startedAt: timestamp.nullable(),
  endedAt: timestamp.nullable(),
  forecast: forecastView.nullable().describe('null where no trial is open, or none is made'),
  blocked: blockedView.nullable().describe('why it does not go on; null where nothing is known to keep it from that'),
});
export type ExperimentView = z.infer<typeof experimentView>;
const preparationSummary = z.object({
  state: z.enum(PREPARATION_STATES),
  attempts: z.number().int(),
  message: z.string().nullable(),
  model: z.string().describe('that writes, as the document names it'),
  specHash: z.string().describe('the same for everything that gives the same data'),
  reusedFrom: z.string().nullable().describe('the experiment that generated the data before'),
  dataset: z.object({ path: z.string(), fingerprint: z.string().nullable() }).nullable(),
  report: generationReport.nullable().describe('null until the data are there'),
  startedAt: timestamp.nullable(),
  endedAt: timestamp.nullable(),
});
export type PreparationSummary = z.infer<typeof preparationSummary>;

export const experimentDetail = experimentView.extend({
  document: z.unknown(),
  preparation: preparationSummary.nullish().describe('of a dataset that a model writes'),
  cellList: z.array(cellView),
  forecast: experimentForecastView.nullable().describe('null where no trial is open'),
});
export type ExperimentDetail = z.infer<typeof experimentDetail>;

const waiting = z.object({
  kind: z
    .enum(PENDING_KINDS)
    .describe(
      'queued: in a queue of the cluster; unschedulable: no node or no quota; misconfigured: a person has to act',
    ),
  text: z.string().describe('for people: one or two sentences'),
  position: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('in the queue, 1 is the next; absent where it is not known'),
}) satisfies z.ZodType<PendingReason>;

export const trialView = z.object({
  id: z.string(),
  experimentId: z.string(),
  cellId: z.string(),
  label: z.string(),
  seed: z.number().int(),
  state: z.enum(TRIAL_STATES),
  attempts: z.number().int(),
  message: z.string().nullable(),
  reusedFrom: z.string().nullable(),
  phase: z.string().nullable(),
  step: z.number().int().nullable(),
  steps: z.number().int().nullable(),
  waiting: waiting.nullable().describe('why its attempt does not run yet'),
  raw: evaluationResult.nullable(),
  trained: evaluationResult.nullable(),
  tokensPerSecond: z.number().nullable().describe('of the measured steps; null until there is a result'),
  startedAt: timestamp.nullable(),
  endedAt: timestamp.nullable(),
});
export type TrialView = z.infer<typeof trialView>;

export const attemptView = z.object({
  id: z.string(),
  experimentId: z.string(),
  trialId: z.string(),
  attempt: z.number().int(),
  plan,
  outcome: z.string().nullable().describe('null while it runs'),
  message: z.string().nullable(),
  exitCode: z.number().int().nullable(),
  node: z.string().nullable(),
  startedAt: timestamp,
  endedAt: timestamp.nullable(),
  lastEventAt: timestamp.nullable(),
  phase: z.string().nullable(),
  step: z.number().int().nullable(),
  steps: z.number().int().nullable(),
  waiting: waiting.nullable().describe('why it does not run yet'),
});
export type AttemptView = z.infer<typeof attemptView>;
export const trialDetail = trialView.extend({
  settings: trialSettings,
  result: trialResult.nullable(),
  attemptList: z.array(attemptView),
});
export type TrialDetail = z.infer<typeof trialDetail>;

export const preparationView = preparationSummary.extend({
  spec: generationSpec,
  attemptList: z.array(attemptView),
});

export function page<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

/** POST /v1/experiments/:id/retry */
export const retryBody = z.object({
  states: z.array(z.enum(['failed', 'cancelled', 'diverged', 'pruned'])).default(['failed', 'cancelled']),
  trialIds: z.array(z.string()).optional(),
});
/** POST /v1/experiments/:id/extend: further values for axes of the matrix, e.g. {"seed": [4, 5]}. */
export const extendBody = z.object({ matrix: z.record(z.string(), z.array(z.unknown())) });
export const actionView = z.object({ experiment: experimentView, affected: z.number().int() });

export type ActionView = z.infer<typeof actionView>;

const limit = z.coerce.number().int().min(1).max(1000);
export const listQuery = z.object({
  limit: limit.default(50),
  cursor: z.string().optional(),
  state: z.enum(EXPERIMENT_STATES).optional(),
  name: z.string().max(200).optional().describe('part of the name, case ignored'),
});
export const trialsQuery = z.object({
  limit: limit.default(100),
  cursor: z.string().optional(),
  state: z.enum(TRIAL_STATES).optional(),
  cellId: z.string().optional(),
});
export const logsQuery = z.object({
  follow: z.stringbool().default(false).describe('stream until the attempt has ended'),
  tail: z.coerce.number().int().min(0).optional().describe('only the last lines'),
});
export const experimentEventsQuery = z.object({
  after: z.coerce.number().int().min(0).default(0).describe('id of an event; the header Last-Event-ID goes before it'),
});
export const attemptListView = z.object({ items: z.array(attemptView) });
export const attemptEventsQuery = z.object({
  after: z.coerce.number().int().min(0).default(0).describe('sequence number'),
  limit: limit.default(1000),
});
export const attemptEventsView = z.object({ items: z.array(trialEvent) });

/**
 * Server-sent events of GET /v1/experiments/:id/events: `event:` is the type, `data:` the data, `id:` resumes.
 * Metrics are coalesced: at most about one a second for an attempt.
 */
export const streamEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('experiment'),
    data: z.object({
      state: z.enum(EXPERIMENT_STATES),
      counts,
      blocked: blockedView.nullable().optional().describe('null: it goes on again; absent: no news'),
    }),
  }),
  z.object({
    type: z.literal('trial'),
    data: z.object({
      trialId: z.string(),
      cellId: z.string(),
      seed: z.number().int(),
      state: z.enum(TRIAL_STATES),
      attempts: z.number().int(),
      message: z.string().nullable(),
      counts: counts.describe('of the experiment after this change'),
    }),
  }),
  z.object({
    type: z.literal('attempt'),
    data: z.object({
      attemptId: z.string(),
      trialId: z.string(),
      attempt: z.number().int(),
      outcome: z.string().nullable().describe('null when it starts'),
      message: z.string().nullable(),
      waiting: waiting.nullable().optional().describe('what it waits for; null: nothing any more; absent: no news'),
    }),
  }),
  z.object({
    type: z.literal('metrics'),
    data: z.object({
      attemptId: z.string(),
      trialId: z.string(),
      phase: z.enum(PHASES).nullable(),
      step: z.number().int().nullable(),
      steps: z.number().int().nullable(),
      loss: z.number().nullable(),
      tokensPerSecond: z.number().nullable().describe('of the newest step; null where the news is older than it'),
      memoryBytes: z.number().nullable().describe('of the newest step, likewise'),
    }),
  }),
]);
export type StreamEvent = z.infer<typeof streamEvent>;
