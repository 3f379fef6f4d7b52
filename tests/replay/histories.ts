import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import proto from '@temporalio/proto';

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

export function decodeHistory(content: Uint8Array): History {
  return History.decode(gunzipSync(content));
}
