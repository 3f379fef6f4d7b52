/** Recorded evidence for tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CoreV1Event, V1Job, V1Node, V1Pod } from '@kubernetes/client-node';
import type { AttemptEvidence } from '../../evidence.ts';

const FOLDER = fileURLToPath(new URL('../recorded/', import.meta.url));

interface Recording {
  readonly about: string;
  /** `recorded from …`, or from what the objects were built. */
  readonly origin: string;
  readonly nowMs: number;
  readonly job?: V1Job;
  readonly pods: readonly V1Pod[];
  readonly gonePods: readonly string[];
  readonly nodes: Readonly<Record<string, V1Node>>;
  readonly events: readonly CoreV1Event[];
}

export function recordingNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.replace(/\.json$/, ''))
    .sort();
}

export function recorded(name: string): AttemptEvidence {
  const {
    job = null,
    pods,
    gonePods,
    nodes,
    events,
    nowMs,
  } = JSON.parse(readFileSync(`${FOLDER}${name}.json`, 'utf8')) as Recording;
  return {
    job,
    pods,
    gonePods: new Set(gonePods),
    nodes: new Map(Object.entries(nodes)),
    events,
    exit: null,
    result: null,
    nowMs,
  };
}
