/**
 * What it costs to run a trial that does nothing: 2,000 trials on a runner whose attempts end at once, through the real
 * Temporal server, store and artifacts, against Ray Tune doing as many no-op trials on the same machine.
 *
 * Usage: orchestration.ts [--trials 2000] [--parallel 16] [--database postgres|pglite] [--without-ray]
 */
import { parseArgs } from 'node:util';
import { experimentWorkflowId } from '@lamina/domain/contract/workflow.ts';
import type { WorkflowHandle } from '@temporalio/client';
import { type Orchestra, startOrchestra } from '../support/orchestra.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { type RayFigures, rayTune } from './support/ray-tune.ts';

const MAX_EVENTS = 10_240;
const MAX_TRANSITIONS = 6;
const MIN_RATIO = 8;

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '2000' },
    parallel: { type: 'string', default: '16' },
    database: { type: 'string', default: postgresMissing() === null ? 'postgres' : 'pglite' },
    'without-ray': { type: 'boolean', default: false },
  },
});
const trials = Number(values.trials);
const parallel = Number(values.parallel);

const postgres = values.database === 'postgres' ? await startPostgres() : null;
const orchestra = await startOrchestra({
  durable: true,
  ...(postgres === null ? {} : { database: { kind: 'postgres', url: await postgres.createDatabase('bench') } }),
});
let lamina: Awaited<ReturnType<typeof measure>>;
let ray: RayFigures | null;
try {
  await measure(orchestra, 'warm-up', 10 * parallel);
  const before = await measure(orchestra, 'before', trials);
  ray = values['without-ray'] ? null : await rayTune(trials, parallel);
  // The machine may be busy with other things: of the figures before and after Ray's, the worse one counts.
  const after = ray === null ? before : await measure(orchestra, 'after', trials);
  lamina = before.seconds > after.seconds ? before : after;
} finally {
  await orchestra.close();
  await postgres?.stop();
}
say(`Lamina on ${values.database}: ${lamina.trialsPerSecond.toFixed(1)} trials/s, ${parallel} in parallel`);
say(
  `  ${lamina.transitionsPerTrial.toFixed(2)} state transitions and ${lamina.eventsPerTrial.toFixed(2)} history events a trial`,
);
say(`  ${lamina.runs} run(s) of the workflow, the longest history has ${lamina.longestHistory} events`);

if (ray !== null) say(`Ray Tune ${ray.version}: ${ray.trialsPerSecond.toFixed(1)} trials/s`);
const ratio = ray === null ? null : lamina.trialsPerSecond / ray.trialsPerSecond;
const targets = {
  ratio: ratio === null ? null : ratio >= MIN_RATIO,
  transitions: lamina.transitionsPerTrial <= MAX_TRANSITIONS,
  history: lamina.longestHistory <= MAX_EVENTS,
};
say(
  JSON.stringify({
    benchmark: 'orchestration',
    trials,
    parallel,
    database: values.database,
    lamina,
    ray,
    ratio,
    targets,
  }),
);
if (Object.values(targets).includes(false)) process.exitCode = 1;

async function measure(o: Orchestra, id: string, count: number) {
  const planned = o.trials(id, Math.ceil(count / 10), 10).slice(0, count);
  const from = performance.now();
  await o.submit(id, planned, { maxParallel: parallel, reconcileMs: 30_000 });
  const state = await o.ended(id);
  const seconds = (performance.now() - from) / 1000;
  const counts = (await o.store.getExperiment(id))?.counts ?? {};
  if (state !== 'succeeded' || counts.succeeded !== count) throw new Error(`${id}: ${state} ${JSON.stringify(counts)}`);
  const runs = await histories(o, id);
  const sum = (pick: (run: { events: number; transitions: number }) => number) =>
    runs.reduce((total, run) => total + pick(run), 0);
  return {
    seconds,
    trialsPerSecond: count / seconds,
    transitionsPerTrial: sum((run) => run.transitions) / count,
    eventsPerTrial: sum((run) => run.events) / count,
    runs: runs.length,
    longestHistory: Math.max(...runs.map((run) => run.events)),
    peakAlive: o.runner.peakAlive,
  };
}

/** The workflow's runs, from the last to the first. */
async function histories(o: Orchestra, id: string): Promise<{ events: number; transitions: number }[]> {
  const found: { events: number; transitions: number }[] = [];
  let runId: string | null | undefined;
  do {
    const handle: WorkflowHandle = o.temporal.client.workflow.getHandle(experimentWorkflowId(id), runId ?? undefined);
    const { raw, historyLength } = await handle.describe();
    found.push({ events: historyLength, transitions: Number(raw.workflowExecutionInfo?.stateTransitionCount ?? 0) });
    const [started] = (await handle.fetchHistory()).events ?? [];
    runId = started?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
  } while (runId != null && runId !== '');
  return found;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
