/** Variables that API and worker share where they are processes of their own. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { LOG_LEVELS } from './logging.ts';

export const path = z
  .string()
  .min(1)
  .transform((value) => resolve(value));

export const serviceVariables = {
  LAMINA_DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).describe('Postgres; postgres://user:password@host/name'),
  LAMINA_TEMPORAL_ADDRESS: z.string().min(1).default('127.0.0.1:7233').describe('host and port of the Temporal server'),
  LAMINA_TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  LAMINA_ARTIFACTS: path.describe('folder of the artifact store, the same for API, worker and trials'),
  LAMINA_SECRET: z.string().min(32).describe('key of the attempt tokens, the same for API and worker'),
  LAMINA_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
};

/** Where the hub's client keeps models on this machine. */
export const hubVariables = { HF_HOME: path.optional(), XDG_CACHE_HOME: path.optional() };

/** Folder of the hub's local cache. */
export function hubCacheOf({
  HF_HOME,
  XDG_CACHE_HOME,
}: {
  HF_HOME?: string | undefined;
  XDG_CACHE_HOME?: string | undefined;
}): string {
  return join(HF_HOME ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface'), 'hub');
}
