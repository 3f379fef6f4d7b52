/** A Temporal worker for experiments, and the watch that tells them what ended. */
import { TASK_QUEUE } from '@lamina/domain/contract/workflow.ts';
import { prepare as planDocument } from '@lamina/platform/application/submission/prepare.ts';
import { createShapes } from '@lamina/platform/application/submission/shapes.ts';
import { createSubmissions } from '@lamina/platform/application/submission/submissions.ts';
import type { Client } from '@temporalio/client';
import { type NativeConnection, type WorkerOptions as TemporalWorkerOptions, Worker } from '@temporalio/worker';
import { createExperimentActivities } from './activities.ts';
import { blockedInterceptor } from './blocked/interceptor.ts';
import type { WorkflowBundle } from './bundle.ts';
import { type ActivityDependencies } from './dependencies.ts';
import { type Deployment, promoteNewBuild } from './deployment.ts';
import { heartbeat } from './heartbeat.ts';
import { createSearchActivities } from './search/activities.ts';
import { createSearchEngine } from './search/engine.ts';
import { watchRunner } from './watch.ts';

export interface WorkerOptions extends Omit<ActivityDependencies, 'search' | 'plan'> {
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly namespace: string;
  readonly bundle: WorkflowBundle;
  /** Null: the worker takes up every run, whichever build started it. */
  readonly deployment: Deployment | null;
  /** Folder of the hub's local cache, for the depth of hub models; not looked at without it. */
  readonly hubCache?: string | null;
}

export interface RunningWorker {
  /** Rejects where it ends without having been closed. */
  readonly failed: Promise<never>;
  /** Experiments that are blocked, which the store cannot be told because it is away. */
  readonly unwritten: ReadonlySet<string>;
  /** @throws Error where it polls no more */
  check(): void;
  close(): Promise<void>;
}

/** Starts to poll at once; `close` lets activities in progress end. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { connection, client, namespace, bundle, deployment, store, runner, log } = options;
  const engine = createSearchEngine(client, store);
  const unwritten = new Set<string>();
  const activities = {
    ...createExperimentActivities({ ...options, search: engine, plan: planner(options) }),
    ...createSearchActivities({ store, engine }),
  };
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: TASK_QUEUE,
    workflowBundle: { code: bundle.code },
    ...(deployment === null ? {} : versioned(deployment.name, bundle.buildId)),
    activities,
    interceptors: { activity: [heartbeat, blockedInterceptor({ store, log, unwritten })] },
    // After a kill, a workflow that waited for the dead process goes on this much later.
    stickyQueueScheduleToStartTimeout: '2 seconds',
    shutdownGraceTime: '10 seconds',
  });
  const running = worker.run();
  const failed = new Promise<never>((_, reject) => {
    running.catch(reject);
  });
  failed.catch((error: unknown) => log.error({ err: error }, 'the worker has failed'));
  if (deployment?.promotion === 'first-start') {
    try {
      await promoteNewBuild(client, { name: deployment.name, buildId: bundle.buildId }, log);
    } catch (error) {
      worker.shutdown();
      await running;
      throw error;
    }
  }
  const watch = await watchRunner({ runner, client, store, log });
  return {
    failed,
    unwritten,
    check() {
      if (worker.getState() !== 'RUNNING') throw new Error(`the worker is ${worker.getState()}`);
    },
    async close() {
      await watch.close();
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
    },
  };
}

/** Runs stay with the build that started them until they go on in a new history. */
function versioned(deploymentName: string, buildId: string): Pick<TemporalWorkerOptions, 'workerDeploymentOptions'> {
  return {
    workerDeploymentOptions: {
      version: { deploymentName, buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'PINNED',
    },
  };
}

/** Stored documents name files by absolute paths: no folder is where others would start. */
function planner({ store, artifacts, hubCache = null }: WorkerOptions): ActivityDependencies['plan'] {
  const submissions = createSubmissions(
    { store, artifacts, defaults: { baseDirectory: '/', hubCache } },
    createShapes(hubCache),
  );
  return (document) => planDocument(document, submissions.options(undefined));
}
