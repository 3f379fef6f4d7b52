import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import proto from '@temporalio/proto';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';

const { History } = proto.temporal.api.history.v1;
export type History = proto.temporal.api.history.v1.IHistory;

/** Where recorded histories are, one file per run of a workflow, named by what they protect. */
export const HISTORIES = join(import.meta.dirname, 'histories');

export function historyPath(name: string, run: number): string {
  return join(HISTORIES, `${name}.${run}.binpb.gz`);
}

/** Compressed protocol buffers: Temporal's own format. */
export function encodeHistory(history: History): Uint8Array {
  return gzipSync(History.encode(history).finish());
}

function decodeHistory(content: Uint8Array): History {
  return History.decode(gunzipSync(content));
}

/** Names of all recorded files. */
export function recordedFiles(): readonly string[] {
  return readdirSync(HISTORIES).filter((file) => file.endsWith('.binpb.gz'));
}

export function readHistory(file: string): History {
  return decodeHistory(readFileSync(join(HISTORIES, file)));
}

/** What a replay with the bundle complains about, by the workflow's id. */
export async function replayComplaints(
  code: string,
  histories: ReadonlyMap<string, History>,
): Promise<ReadonlyMap<string, string>> {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
  const found = new Map<string, string>();
  const input = [...histories].map(([workflowId, history]) => ({ workflowId, history }));
  let replayed = 0;
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle: { code } }, input)) {
    replayed += 1;
    if (error !== undefined) found.set(workflowId, error.message);
  }
  assert.equal(replayed, histories.size);
  return found;
}
