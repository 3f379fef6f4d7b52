/**
 * Records the histories that the replay test holds on to: runs every scenario against a dev server and keeps what
 * Temporal wrote, at the end of the list in `corpus.txt`. Nothing that exists is recorded again or overwritten: it is the
 * past that today's code must be able to replay. Where a scenario changes, give it another name.
 * Usage: node tests/replay/record.ts [NAME...]   (unless named: every scenario that has no history)
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { experimentWorkflowId, searchWorkflowId } from '@lamina/domain/contract/workflow.ts';
import { type Orchestra, type OrchestraOptions, startOrchestra } from '../support/orchestra.ts';
import { SCENARIOS } from '../support/scenarios.ts';
import { SEARCH_SCENARIOS } from '../support/search-scenarios.ts';
import { startTuner } from '../support/tuner.ts';
import { addUnlisted } from './corpus.ts';
import { encodeHistory, HISTORIES, historyPath } from './histories.ts';
import { RECORDED } from './scenarios.ts';

const named = process.argv.slice(2);
/** Histories of today's scenarios are cut off early. */
const SHORT = { continueAsNewAt: 150 };

const recorded = named.filter((name) => existsSync(historyPath(name, 1)));
if (recorded.length > 0) throw new Error(`recorded already, and kept as it is: ${recorded.join(', ')}`);
const wanted = (scenarios: object) =>
  Object.keys(scenarios).filter(
    (name) => !existsSync(historyPath(name, 1)) && (named.length === 0 || named.includes(name)),
  );
await mkdir(HISTORIES, { recursive: true });
for (const { options, scenarios } of [{ options: SHORT, scenarios: SCENARIOS }, ...RECORDED]) {
  const names = wanted(scenarios);
  if (names.length === 0) continue;
  await withOrchestra(options, async (orchestra) => {
    for (const name of names) {
      await scenarios[name]?.(orchestra, name);
      await record(orchestra, name, experimentWorkflowId(name));
    }
  });
}
const searches = wanted(SEARCH_SCENARIOS);
if (searches.length > 0) await withOrchestra(SHORT, (orchestra) => recordSearches(orchestra, searches));
for (const file of addUnlisted(import.meta.dirname)) process.stdout.write(`${file}\n`);

async function withOrchestra(options: OrchestraOptions, work: (o: Orchestra) => Promise<void>): Promise<void> {
  const orchestra = await startOrchestra(options);
  try {
    await work(orchestra);
  } finally {
    await orchestra.close();
  }
}

async function recordSearches(o: Orchestra, names: readonly string[]): Promise<void> {
  const tuner = await startTuner(o);
  try {
    for (const name of names) {
      await SEARCH_SCENARIOS[name]?.(o, name);
      await record(o, name, searchWorkflowId(name));
    }
  } finally {
    await tuner.close();
  }
}

async function record(o: Orchestra, name: string, workflowId: string): Promise<void> {
  const runs = await runsOf(o, workflowId);
  for (const [index, runId] of runs.entries()) {
    const handle = o.temporal.client.workflow.getHandle(workflowId, runId);
    const history = await handle.fetchHistory();
    withoutMachine(history);
    await writeFile(historyPath(name, index + 1), encodeHistory(history), { flag: 'wx' });
  }
  process.stdout.write(`${name}: ${runs.length} run(s)\n`);
}

/** All runs under the workflow's id, oldest first; the list lags behind, so it is read until it stays the same. */
async function runsOf(o: Orchestra, workflowId: string): Promise<string[]> {
  for (let before = -1; ; ) {
    const runs: { runId: string; start: number }[] = [];
    const query = `WorkflowId = '${workflowId}'`;
    for await (const run of o.temporal.client.workflow.list({ query })) {
      runs.push({ runId: run.runId, start: run.startTime.getTime() });
    }
    if (runs.length > 0 && runs.length === before) {
      return runs.toSorted((a, b) => a.start - b.start).map((run) => run.runId);
    }
    before = runs.length;
    await sleep(1000);
  }
}

/** Process ids and host names are of no use to a replay. */
function withoutMachine(part: object): void {
  for (const [key, value] of Object.entries(part)) {
    if (typeof value === 'string' && value.includes(hostname())) {
      const plain = value.replaceAll(new RegExp(`\\d+@${hostname()}`, 'g'), 'worker').replaceAll(hostname(), 'host');
      Object.assign(part, { [key]: plain });
    } else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) withoutMachine(value);
  }
}
