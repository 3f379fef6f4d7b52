import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnvironment, port } from '@lamina/platform/config.ts';
import { LOG_LEVELS } from '@lamina/platform/logging.ts';
import { z } from 'zod';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const path = z
  .string()
  .min(1)
  .transform((value) => resolve(value));

const environment = z.object({
  LAMINA_DATA: path.default(join(repository, '.lamina')).describe('database, artifacts, logs; one process at a time'),
  LAMINA_PORT: port.default(7070).describe('0: any free port'),
  LAMINA_TRAINER: path.default(join(repository, 'python-trainer')).describe('folder of the trainer'),
  LAMINA_TRAINER_PYTHON: z.string().min(1).describe("the trainer environment's interpreter"),
  LAMINA_TRAINER_CACHE: path.optional().describe('converted weights and tokenized data, shared by all trials'),
  LAMINA_TEMPORAL: z.string().min(1).describe('the Temporal CLI'),
  LAMINA_LAUNCHER: z
    .enum(['warm', 'process'])
    .default('warm')
    .describe('warm: trials are forks of one process that has imported PyTorch already'),
  LAMINA_GRACE_SECONDS: z.coerce.number().min(0).default(60).describe('for checkpoints when the service stops'),
  LAMINA_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  HF_HOME: path.optional(),
  XDG_CACHE_HOME: path.optional(),
});

export interface Config {
  readonly dataDirectory: string;
  readonly port: number;
  readonly trainer: { readonly folder: string; readonly python: string; readonly cache: string };
  readonly temporal: string;
  readonly launcher: 'warm' | 'process';
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
  return {
    dataDirectory: values.LAMINA_DATA,
    port: values.LAMINA_PORT,
    trainer: {
      folder: values.LAMINA_TRAINER,
      python: values.LAMINA_TRAINER_PYTHON,
      cache: values.LAMINA_TRAINER_CACHE ?? join(cacheRoot, 'lamina', 'trainer-cache'),
    },
    temporal: values.LAMINA_TEMPORAL,
    launcher: values.LAMINA_LAUNCHER,
    graceSeconds: values.LAMINA_GRACE_SECONDS,
    logLevel: values.LAMINA_LOG_LEVEL,
    baseDirectory: workingDirectory,
    hubCache: join(values.HF_HOME ?? join(cacheRoot, 'huggingface'), 'hub'),
    webRoot: join(repository, 'services/web/dist'),
    reportTemplate: join(repository, 'services/web/dist-report/report.html'),
  };
}
