import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnvironment, port } from '@lamina/platform/process/config.ts';
import { LOG_LEVELS } from '@lamina/platform/process/logging.ts';
import { runnerChecks, runnerSettings, runnerVariables, tunerTrainer } from '@lamina/worker/runner-config.ts';
import type { RunnerSettings } from '@lamina/worker/runners/open.ts';
import { z } from 'zod';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const path = z
  .string()
  .min(1)
  .transform((value) => resolve(value));

const environment = z
  .object({
    ...runnerVariables,
    LAMINA_DATA: path.default(join(repository, '.lamina')).describe('database, logs; one process at a time'),
    LAMINA_ARTIFACTS: path.optional().describe('results, logs, checkpoints; a folder in LAMINA_DATA by default'),
    LAMINA_PORT: port.default(7070).describe('0: any free port'),
    LAMINA_INTAKE_HOST: z.string().default('0.0.0.0').describe("where pods' events are listened for (kubernetes)"),
    LAMINA_INTAKE_PORT: port.default(7071),
    LAMINA_TEMPORAL: z.string().min(1).describe('the Temporal CLI'),
    LAMINA_GRACE_SECONDS: z.coerce.number().min(0).default(60).describe('for checkpoints when the service stops'),
    LAMINA_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
    HF_HOME: path.optional(),
  })
  .check(...runnerChecks);

export interface Config {
  readonly dataDirectory: string;
  readonly artifacts: string;
  readonly port: number;
  readonly runner: RunnerSettings;
  /** The trainer whose tuner answers searches; null where its environment is not on this machine. */
  readonly tuner: ReturnType<typeof tunerTrainer>;
  /** Where pods reach the event intake; null: they post none. */
  readonly eventsUrl: string | null;
  /** Where the event intake listens; null where none is needed. */
  readonly intake: { readonly host: string; readonly port: number } | null;
  readonly temporal: string;
  readonly graceSeconds: number;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Where relative paths of documents start from when a request names no folder. */
  readonly baseDirectory: string;
  readonly hubCache: string;
  readonly webRoot: string;
  readonly reportTemplate: string;
}

/** @throws InvalidConfig with every mistake at once */
export function loadConfig(env: Readonly<Record<string, string | undefined>>, workingDirectory: string): Config {
  const values = parseEnvironment(environment, env);
  const cacheRoot = values.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const runner = runnerSettings(values);
  const eventsUrl = runner.kind === 'kubernetes' ? runner.cluster.eventsUrl : null;
  return {
    dataDirectory: values.LAMINA_DATA,
    artifacts: values.LAMINA_ARTIFACTS ?? join(values.LAMINA_DATA, 'artifacts'),
    port: values.LAMINA_PORT,
    runner,
    tuner: tunerTrainer(values),
    eventsUrl,
    intake: eventsUrl === null ? null : { host: values.LAMINA_INTAKE_HOST, port: values.LAMINA_INTAKE_PORT },
    temporal: values.LAMINA_TEMPORAL,
    graceSeconds: values.LAMINA_GRACE_SECONDS,
    logLevel: values.LAMINA_LOG_LEVEL,
    baseDirectory: workingDirectory,
    hubCache: join(values.HF_HOME ?? join(cacheRoot, 'huggingface'), 'hub'),
    webRoot: join(repository, 'services/web/dist'),
    reportTemplate: join(repository, 'services/web/dist-report/report.html'),
  };
}
