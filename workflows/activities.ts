/** The activities that the experiment workflow calls; the worker implements them, and each may run more than once. */
import type { RunCommands } from '@lamina/domain/run/commands.ts';
import type { DispatchResult } from '@lamina/domain/run/events.ts';
import type { RunPolicy } from '@lamina/domain/run/types.ts';

export interface BegunRun {
  readonly policy: RunPolicy;
  /** A run that is begun anew goes on in the status that the store knows. */
  readonly status: 'running' | 'paused' | 'cancelling';
}

export interface AdvanceInput {
  readonly experimentId: string;
  readonly commands: RunCommands;
  readonly deadlineSeconds: number | null;
  readonly graceSeconds: number;
}

export interface ExperimentActivities {
  /** Called once, before the first claim of a run. */
  begin(experimentId: string): Promise<BegunRun>;
  /** Executes one batch of commands. */
  advance(input: AdvanceInput): Promise<DispatchResult>;
}
