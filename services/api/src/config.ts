import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnvironment, port } from '@lamina/platform/process/config.ts';
import { hubCacheOf, hubVariables, path, serviceVariables } from '@lamina/platform/process/service-config.ts';
import { z } from 'zod';

const repository = fileURLToPath(new URL('../../..', import.meta.url));

const environment = z.object({
  ...serviceVariables,
  LAMINA_HOST: z.string().min(1).default('127.0.0.1').describe('where the API listens'),
  LAMINA_PORT: port.default(7070),
  LAMINA_ALLOWED_HOSTS: z
    .string()
    .optional()
    .describe("host names that are answered to, with commas between; *: any; this machine's own unless given"),
  LAMINA_INTAKE_HOST: z.string().min(1).default('0.0.0.0').describe("where pods' events are listened for"),
  LAMINA_INTAKE_PORT: port.optional().describe('not listened for unless given; nothing else answers there'),
  LAMINA_BASE_DIRECTORY: path.optional().describe('where relative paths of documents start; the working folder'),
  LAMINA_WEB_ROOT: path.default(join(repository, 'services/web/dist')).describe('the built dashboard'),
  LAMINA_REPORT_TEMPLATE: path.default(join(repository, 'services/web/dist-report/report.html')),
  ...hubVariables,
});

export type Config = ReturnType<typeof loadConfig>;

/** @throws InvalidConfig with every mistake at once */
export function loadConfig(env: Readonly<Record<string, string | undefined>>, workingDirectory: string) {
  const values = parseEnvironment(environment, env);
  const hosts = values.LAMINA_ALLOWED_HOSTS?.split(',').map((host) => host.trim().toLowerCase());
  return {
    database: values.LAMINA_DATABASE_URL,
    temporal: { address: values.LAMINA_TEMPORAL_ADDRESS, namespace: values.LAMINA_TEMPORAL_NAMESPACE },
    artifacts: values.LAMINA_ARTIFACTS,
    secret: values.LAMINA_SECRET,
    logLevel: values.LAMINA_LOG_LEVEL,
    listen: { host: values.LAMINA_HOST, port: values.LAMINA_PORT },
    allowedHosts: hosts?.includes('*') === true ? null : hosts,
    intake:
      values.LAMINA_INTAKE_PORT === undefined
        ? null
        : { host: values.LAMINA_INTAKE_HOST, port: values.LAMINA_INTAKE_PORT },
    baseDirectory: values.LAMINA_BASE_DIRECTORY ?? workingDirectory,
    hubCache: hubCacheOf(values),
    webRoot: values.LAMINA_WEB_ROOT,
    reportTemplate: values.LAMINA_REPORT_TEMPLATE,
  };
}
