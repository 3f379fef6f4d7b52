import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attemptRef } from '@lamina/domain/contract/attempt.ts';
import type { AttemptLaunch } from '@lamina/domain/contract/runner.ts';
import { attemptFolder } from '@lamina/platform/application/ports/artifacts.ts';
import type { Launcher } from '@lamina/worker/runners/local/launcher.ts';
import { createLocalRunner, type LocalRunner } from '@lamina/worker/runners/local/local-runner.ts';
import { createProcessLauncher } from '@lamina/worker/runners/local/process-launcher.ts';
import { createWarmLauncher } from '@lamina/worker/runners/local/warm-launcher.ts';
import { trainerEnvironment, trainerPython } from '../support/trainer.ts';
import { type Behaviour, describeRunner, type Limits, type RunnerHarness } from './runner.ts';
import { sampleRequest, sampleResult } from './samples.ts';

const FAKE_WARM_SERVER = fileURLToPath(new URL('fake_warm_server.py', import.meta.url));
const FAKE_TRAINER = fileURLToPath(new URL('fake-trainer.sh', import.meta.url));
const silent = { info: () => undefined, warn: () => undefined };

async function localHarness(
  createLauncher: (env: Record<string, string>, folder: string) => Launcher,
): Promise<RunnerHarness> {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-runner-'));
  const root = join(folder, 'artifacts');
  const results = join(folder, 'results');
  mkdirSync(results);
  mkdirSync(join(root, 'experiments'), { recursive: true });
  writeFileSync(join(root, 'experiments', 'broken'), 'a file where a folder should be');
  const launcher = createLauncher({ PATH: process.env.PATH ?? '', FAKE_RESULTS: results }, folder);
  const launched: AttemptLaunch[] = [];
  let open: LocalRunner | null = null;

  function item(behaviour: Behaviour, limits: Partial<Limits> = {}, experimentId = 'suite'): AttemptLaunch {
    const trialId = randomUUID();
    const ids = attemptRef(experimentId, { trialId, attempt: 1 });
    const request = sampleRequest(ids);
    const ask = behaviour.kind === 'exit' ? `exit ${behaviour.code}` : behaviour.kind;
    const launch: AttemptLaunch = {
      ...ids,
      request: {
        ...request,
        settings: { ...request.settings, model: { source: 'path', path: `fake:${ask}`, fingerprint: null } },
      },
      token: 'secret',
      deadlineSeconds: limits.deadlineSeconds ?? null,
      graceSeconds: limits.graceSeconds ?? 10,
    };
    const result = sampleResult(ids, behaviour.kind === 'diverge' ? 'diverged' : 'succeeded');
    writeFileSync(join(results, `${ids.attemptId}.json`), JSON.stringify(result));
    launched.push(launch);
    return launch;
  }

  return {
    async open() {
      open = createLocalRunner({ root, launcher, log: silent, pollMs: 250 });
      return open;
    },
    async abandon() {
      await open?.close();
    },
    item,
    broken: () => ({ item: item({ kind: 'succeed' }, {}, 'broken'), outcome: 'crashed' }),
    async starts(launch) {
      const file = join(root, attemptFolder(launch), 'starts');
      return readFileSync(file, 'utf8').trim().split('\n').length;
    },
    async close() {
      await open?.shutdown(0);
      await open?.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describeRunner('local, one process per attempt', () =>
  localHarness((env) => createProcessLauncher({ command: ['/bin/sh', FAKE_TRAINER], env })),
);

describeRunner('local, forks of a warm server', () =>
  localHarness((env, folder) =>
    createWarmLauncher({
      command: [trainerPython(), FAKE_WARM_SERVER],
      env: { ...trainerEnvironment(), ...env },
      socket: join(folder, 'warm.sock'),
      logFile: join(folder, 'warm.log'),
      startTimeoutMs: 30_000,
    }),
  ),
);
