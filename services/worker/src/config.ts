import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { parseEnvironment, port } from '@lamina/platform/process/config.ts';
import { hubCacheOf, hubVariables, path, serviceVariables } from '@lamina/platform/process/service-config.ts';
import { z } from 'zod';
import { PROMOTIONS } from './deployment.ts';
import { runnerChecks, runnerSettings, runnerVariables, tunerTrainer } from './runner-config.ts';

const environment = z
  .object({
    ...serviceVariables,
    ...hubVariables,
    ...runnerVariables,
    LAMINA_EVENTS_URL: z
      .url()
      .optional()
      .describe("where trials reach the API's intake; eventsUrl of the cluster's settings unless given"),
    LAMINA_HEALTH_HOST: z.string().min(1).default('127.0.0.1').describe('where /healthz, /readyz and /metrics are'),
    LAMINA_HEALTH_PORT: port.default(7072),
    LAMINA_IDENTITY: z.string().min(1).optional().describe('of this worker among others; host name and process id'),
    LAMINA_DATA: path
      .default(join(tmpdir(), `lamina-worker-${userInfo().uid}`))
      .describe('what may be lost: the workflow bundle, sockets and logs of local trials'),
    LAMINA_TUNER: z
      .stringbool()
      .default(false)
      .describe(
        'start a tuner for searches alongside this worker, with LAMINA_TRAINER_PYTHON and studies in the database',
      ),
    LAMINA_DEPLOYMENT: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/)
      .optional()
      .describe('name of the Temporal worker deployment: runs stay with the build of workflows that started them'),
    LAMINA_DEPLOYMENT_PROMOTION: z
      .enum(PROMOTIONS)
      .default('first-start')
      .describe('how a new build becomes the one that new runs start with: when its first worker starts, or by hand'),
    LAMINA_GRACE_SECONDS: z.coerce.number().min(0).default(60).describe('for checkpoints of local trials on stopping'),
  })
  .check(
    ...runnerChecks,
    z.refine((values) => values.LAMINA_TUNER !== true || values.LAMINA_TRAINER_PYTHON !== undefined, {
      path: ['LAMINA_TRAINER_PYTHON'],
      error: "is needed by LAMINA_TUNER: the trainer environment's interpreter",
      when: () => true,
    }),
  );

export type Config = ReturnType<typeof loadConfig>;

/** @throws InvalidConfig with every mistake at once */
export function loadConfig(env: Readonly<Record<string, string | undefined>>) {
  const values = parseEnvironment(environment, env);
  const runner = runnerSettings(values);
  return {
    database: values.LAMINA_DATABASE_URL,
    temporal: { address: values.LAMINA_TEMPORAL_ADDRESS, namespace: values.LAMINA_TEMPORAL_NAMESPACE },
    artifacts: values.LAMINA_ARTIFACTS,
    hubCache: hubCacheOf(values),
    secret: values.LAMINA_SECRET,
    logLevel: values.LAMINA_LOG_LEVEL,
    runner,
    /** The trainer whose tuner is to run alongside this worker; null: none is. */
    tuner: values.LAMINA_TUNER ? tunerTrainer(values) : null,
    /** Null: workers are not versioned. */
    deployment:
      values.LAMINA_DEPLOYMENT === undefined
        ? null
        : { name: values.LAMINA_DEPLOYMENT, promotion: values.LAMINA_DEPLOYMENT_PROMOTION },
    eventsUrl: values.LAMINA_EVENTS_URL ?? (runner.kind === 'kubernetes' ? runner.cluster.eventsUrl : null),
    health: { host: values.LAMINA_HEALTH_HOST, port: values.LAMINA_HEALTH_PORT },
    identity: values.LAMINA_IDENTITY ?? `${hostname()}-${process.pid}`,
    dataDirectory: values.LAMINA_DATA,
    graceSeconds: values.LAMINA_GRACE_SECONDS,
  };
}
