/** What can be asked of a running experiment. Everything is idempotent. */
export interface ExperimentControl {
  /** Starts the experiment's run unless it is running. @throws ControlUnavailable */
  start(experimentId: string): Promise<void>;
  /** @throws ExperimentNotRunning, ControlUnavailable */
  pause(experimentId: string): Promise<void>;
  /** @throws ExperimentNotRunning, ControlUnavailable */
  resume(experimentId: string): Promise<void>;
  /** @throws ExperimentNotRunning, ControlUnavailable */
  cancel(experimentId: string): Promise<void>;
  /** Starts the run, or tells the running one that trials were added or set back. @throws ControlUnavailable */
  wake(experimentId: string): Promise<void>;
  /** Starts the experiment's search unless it goes on already. @throws ControlUnavailable */
  search(experimentId: string): Promise<void>;
  /** @throws ControlUnavailable */
  check(): Promise<void>;
}

/** The experiment has no run: it has ended, or was never started. */
export class ExperimentNotRunning extends Error {
  override name = 'ExperimentNotRunning';
}

/** The engine that runs experiments did not answer in time. */
export class ControlUnavailable extends Error {
  override name = 'ControlUnavailable';
}
