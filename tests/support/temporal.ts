/** A Temporal dev server of its own, for tests and benchmarks. */
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';

let installed = false;

export interface TemporalOptions {
  /** The history length at which the server suggests to continue as new; its default where absent. */
  readonly continueAsNewAt?: number | undefined;
  /** Where the server keeps its database; in memory where absent. */
  readonly dbFilename?: string | undefined;
}

/** Starts a dev server; `LAMINA_TEMPORAL` names the `temporal` executable (the setup script puts it in place). */
export async function startTemporal(options: TemporalOptions): Promise<TestWorkflowEnvironment> {
  const path = process.env['LAMINA_TEMPORAL'];
  if (path === undefined) throw new Error('LAMINA_TEMPORAL must name the temporal executable');
  if (!installed) Runtime.install({ logger: new DefaultLogger('ERROR') });
  installed = true;
  const extraArgs = ['--log-level', 'error'];
  const { continueAsNewAt, dbFilename } = options;
  if (continueAsNewAt !== undefined) {
    extraArgs.push('--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${continueAsNewAt}`);
  }
  const file = dbFilename === undefined ? {} : { dbFilename };
  return TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path }, ip: '127.0.0.1', extraArgs, ...file },
  });
}
