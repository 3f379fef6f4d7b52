/** The quickstart with its real weights, in pods and on this machine: the same numbers. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, cpSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Submission } from '@lamina/cli/client.ts';
import type { Comparison } from '@lamina/domain/results/types.ts';
import { parseDocument } from 'yaml';
import { cluster } from '../support/cluster.ts';
import { trialDetails, untilEnded } from '../support/following.ts';
import { createPodLamina } from '../support/lamina-in-pods.ts';
import { createLaminaFolder, type LaminaFolder } from '../support/lamina-process.ts';

const QUICKSTART = fileURLToPath(new URL('../../examples/quickstart.yaml', import.meta.url));
const SETUP = fileURLToPath(new URL('../../scripts/setup.mjs', import.meta.url));
const PATIENCE_MS = 900_000;

const found = await cluster();
const skip = 'skip' in found ? found.skip : false;
const folders: LaminaFolder[] = [];
after(() => Promise.all(folders.map((folder) => folder.remove())));

/** Some of its cells: each takes half a minute on two cores. */
function submission(): Submission {
  const document = parseDocument(readFileSync(QUICKSTART, 'utf8'));
  document.setIn(['matrix', 'layers'], [6]);
  document.setIn(['matrix', 'precision'], ['bf16', 'nf4-dq']);
  document.setIn(['matrix', 'seed'], [1]);
  document.setIn(['training', 'steps'], 4);
  document.setIn(['evaluation', 'maxTokens'], 256);
  document.deleteIn(['baseline']);
  return { document: document.toString(), baseDirectory: dirname(QUICKSTART), reuse: true };
}

/** Runs it; answers what was compared, and where each trial ran. */
async function run(folder: LaminaFolder): Promise<{ comparison: Comparison; nodes: readonly (string | null)[] }> {
  const lamina = await folder.start();
  const { id } = await lamina.client.submit(submission());
  const ended = await untilEnded(lamina.client, id, PATIENCE_MS);
  const trials = await trialDetails(lamina.client, id);
  const messages = trials.map(({ message }) => message);
  assert.equal(ended.state, 'succeeded', `${messages.join('\n')}\n${lamina.output()}`);
  const nodes = trials.map(({ attemptList }) => attemptList.at(-1)?.node ?? null);
  const comparison = await lamina.client.comparison(id);
  await lamina.stop();
  return { comparison, nodes };
}

function numbers({ rows }: Comparison) {
  const rounded = ({ mean }: { readonly mean: number | null }) => mean?.toFixed(4) ?? null;
  return rows.map((row) => ({
    label: row.label,
    parameters: row.parameterCount,
    bits: row.bitsPerParameter?.toFixed(4),
    loss: rounded(row.loss),
    accuracy: rounded(row.accuracy),
    perplexity: rounded(row.perplexity),
    rawLoss: rounded(row.rawLoss),
    rawAccuracy: rounded(row.rawAccuracy),
  }));
}

/** The folder with the weights as the trainer reads them, which are brought into place where they are not. */
async function convertedWeights(): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [SETUP, '--development']);
  const { trainerCache } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as { trainerCache: string };
  return join(trainerCache, 'gguf');
}

/** Pods run as a user of their own, who makes a lock next to each model. */
function copyForAll(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith('.lock') });
  for (const entry of readdirSync(to, { recursive: true, withFileTypes: true })) {
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o777 : 0o644);
  }
  chmodSync(to, 0o777);
}

test('the quickstart in pods compares as it does on this machine, to four decimals', { skip }, async () => {
  if ('skip' in found) return;
  const weights = await convertedWeights();
  const pods = await createPodLamina(found);
  const local = await createLaminaFolder();
  folders.push(pods, local);
  // Converting the weights takes a minute: that is done once, for both.
  for (const cache of [pods.cache, join(local.path, 'trainer-cache')]) {
    copyForAll(weights, join(cache, 'gguf'));
  }
  const here = await run(local);
  const there = await run(pods);
  assert.ok(there.nodes.every((node) => node !== null && found.nodes.includes(node)));
  assert.ok(!here.nodes.some((node) => node !== null && found.nodes.includes(node)));
  assert.equal(here.comparison.rows.length, 2);
  assert.ok(here.comparison.rows.every(({ loss, rawLoss }) => loss.mean !== null && rawLoss.mean !== null));
  assert.deepEqual(numbers(there.comparison), numbers(here.comparison));
});
