/** Replays what running experiments have written, so that a change of the protocol without a version fails the lint. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readHistory, recordedFiles, replayComplaints } from '../../tests/replay/histories.ts';

/** The recorded histories that today's workflows no longer replay, each with Temporal's first line about it. */
export async function unreplayed(): Promise<readonly string[]> {
  const { workflowBundle } = await import('@lamina/worker/bundle.ts');
  const { code } = await workflowBundle(join(tmpdir(), 'lamina-bundles'));
  const complaints = await replayComplaints(code, new Map(recordedFiles().map((file) => [file, readHistory(file)])));
  return [...complaints].map(
    ([file, complaint]) =>
      `tests/replay/histories/${file} no longer replays: ${complaint.split('\n')[0]} (what workflows and ` +
      'domain/run/protocol ask for needs a version: tests/replay/README.md)',
  );
}
