/** Workflow bundles of earlier releases, kept so that runs can be started with them and finished with today's code. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { WorkflowBundle } from '@lamina/worker/bundle.ts';
import type { Head } from './corpus.ts';

export const RELEASES = join(import.meta.dirname, 'releases');

/** What is kept of a release besides its bundle. */
export interface Release {
  readonly version: string;
  /** That it was built from. */
  readonly commit: string;
  /** Version of Temporal's SDK that built it. */
  readonly sdk: string;
  /** Hash of the bundle's code. */
  readonly sha256: string;
  /** Where the list of the corpus ended. */
  readonly corpus: Head;
}

export function releases(folder = RELEASES): readonly Release[] {
  return readdirSync(folder)
    .map((version) => JSON.parse(readFileSync(join(folder, version, 'release.json'), 'utf8')) as Release)
    .toSorted((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }));
}

/** The code of a release's bundle, as a worker takes it. */
export function releasedBundle(version: string): WorkflowBundle {
  const code = gunzipSync(readFileSync(join(RELEASES, version, 'workflows.js.gz'))).toString();
  return { code, buildId: version };
}

/** What each release kept of the corpus in this folder, by version. */
export function headsOf(root: string): ReadonlyMap<string, Head> {
  return new Map(releases(join(root, 'releases')).map(({ version, corpus }) => [version, corpus]));
}
