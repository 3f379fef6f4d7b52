/** A Temporal dev server of its own, for tests and benchmarks. */
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';

let installed = false;

/**
 * Starts a dev server; `LAMINA_TEMPORAL` names the `temporal` executable (the setup script puts it in place).
 * `continueAsNewAt`: the history length at which it suggests to continue as new; the server's default where null.
 */
export async function startTemporal(continueAsNewAt: number | null): Promise<TestWorkflowEnvironment> {
  const path = process.env['LAMINA_TEMPORAL'];
  if (path === undefined) throw new Error('LAMINA_TEMPORAL must name the temporal executable');
  if (!installed) Runtime.install({ logger: new DefaultLogger('ERROR') });
  installed = true;
  const extraArgs = ['--log-level', 'error'];
  if (continueAsNewAt !== null) {
    extraArgs.push('--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${continueAsNewAt}`);
  }
  return TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path }, ip: '127.0.0.1', extraArgs },
  });
}
