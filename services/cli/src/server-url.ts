import type { Io } from './io.ts';

export const DEFAULT_URL = 'http://127.0.0.1:7070';

/** Where the server is, unless --url says otherwise. */
export function serverUrl(env: Io['env']): string {
  return env['LAMINA_URL'] || DEFAULT_URL;
}
