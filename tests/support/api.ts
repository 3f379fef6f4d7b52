import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiDeps, buildApp } from '@lamina/api/app.ts';
import { createExperimentStore } from '@lamina/platform/adapters/database/store.ts';
import { createDirectoryArtifactStore } from '@lamina/platform/adapters/directory-artifacts.ts';
import {
  ControlUnavailable,
  type ExperimentControl,
  ExperimentNotRunning,
} from '@lamina/platform/application/ports/control.ts';
import type { RunnerFacts } from '@lamina/platform/application/ports/runner-facts.ts';
import type { ExperimentStore } from '@lamina/platform/application/ports/store.ts';
import { writeModel } from '@lamina/platform/application/submission/testing/model-folder.ts';
import { createLogger } from '@lamina/platform/process/logging.ts';
import { createMetrics } from '@lamina/platform/process/metrics.ts';
import { openNewPGlite } from './pglite.ts';

/** An engine without trials: it knows which experiments run, and moves their state as asked. */
export function bareEngine(store: ExperimentStore) {
  const running = new Set<string>();
  const calls: string[] = [];
  const engine = {
    away: false,
    running,
    calls,
    control: {} as ExperimentControl,
  };
  const ask = (name: string, id: string) => {
    calls.push(`${name} ${id}`);
    if (engine.away) throw new ControlUnavailable('the engine is away');
  };
  const steer = (name: string, state: 'paused' | 'running' | 'cancelling') => async (id: string) => {
    ask(name, id);
    if (!running.has(id)) throw new ExperimentNotRunning('not running');
    await store.setExperimentState(id, state);
  };
  const start = (name: string) => async (id: string) => {
    ask(name, id);
    running.add(id);
    await store.setExperimentState(id, 'running');
  };
  engine.control = {
    start: start('start'),
    wake: start('wake'),
    pause: steer('pause', 'paused'),
    resume: steer('resume', 'running'),
    cancel: steer('cancel', 'cancelling'),
    async search(id) {
      ask('search', id);
    },
    async check() {
      ask('check', '');
    },
  };
  return engine;
}

/** The API over a folder of its own (and a database, unless a store is given), with a model of eight layers and a dataset next to it. */
export async function testApi({
  device = null,
  ...more
}: Partial<ApiDeps> & Partial<Pick<RunnerFacts, 'device'>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'lamina-api-'));
  const own = more.store === undefined ? await openNewPGlite(join(folder, 'database')) : null;
  const store = own === null ? (more.store as ExperimentStore) : createExperimentStore(own);
  const artifacts = createDirectoryArtifactStore(join(folder, 'artifacts'));
  const engine = bareEngine(store);
  const logged: string[] = [];
  await writeModel(join(folder, 'model'), { num_hidden_layers: 8 });
  await writeFile(join(folder, 'notes.jsonl'), '{"text":"one","id":1}\n\n{"text":"two","id":2}\n');
  await store.announce({ runner: 'none', trainerRevision: 'r1', device, mounts: null });
  const app = await buildApp({
    store,
    artifacts,
    control: engine.control,
    secret: 'secret',
    defaults: { baseDirectory: folder, hubCache: join(folder, 'hub') },
    webRoot: null,
    reportTemplate: null,
    log: createLogger({ name: 'test', destination: { write: (line) => logged.push(line) } }),
    metrics: createMetrics(),
    ...more,
  });
  return {
    app,
    store,
    artifacts,
    engine,
    folder,
    logged,
    async close() {
      await app.close();
      await own?.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A document of two cells and `seeds` seeds, whose paths start from the folder of `testApi`. */
export function smallDocument(seeds: readonly number[] = [1, 2]): Record<string, unknown> {
  return {
    apiVersion: 'lamina/v1',
    name: 'small',
    model: './model',
    dataset: 'notes.jsonl',
    matrix: { layers: [8, 4], precision: ['bf16'], method: ['lora'], seed: seeds },
  };
}
