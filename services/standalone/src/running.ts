import { join } from 'node:path';
import { readJson } from '@lamina/worker/runners/local/files.ts';
import { isAlive } from '@lamina/worker/runners/local/processes.ts';
import { z } from 'zod';

/** Where a running service says who and where it is. */
export function serverFile(dataDirectory: string): string {
  return join(dataDirectory, 'server.json');
}

const content = z.object({ pid: z.number().int(), startTicks: z.number().int(), url: z.url() });

/** The service that serves this data directory now; null where there is none. */
export function findRunning(dataDirectory: string): { readonly pid: number; readonly url: string } | null {
  const found = content.safeParse(readJson(serverFile(dataDirectory))).data;
  return found !== undefined && isAlive(found) ? found : null;
}
