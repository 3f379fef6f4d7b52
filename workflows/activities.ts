/** The activities that the experiment workflow calls; the worker implements them, and each may run more than once. */
import type { RunCommands } from '@lamina/domain/run/commands.ts';
import type { DispatchResult } from '@lamina/domain/run/events.ts';
import type { RunPolicy } from '@lamina/domain/run/types.ts';

export interface BegunRun {
  readonly policy: RunPolicy;
  /** A run that is started again goes on in the status that the store knows. */
  readonly status: 'running' | 'paused' | 'cancelling';
  /** The dataset has to be generated: a run of that comes first, and this is its policy. */
  readonly preparing?: boolean;
}

export interface AdvanceInput {
  readonly experimentId: string;
  readonly commands: RunCommands;
  readonly deadlineSeconds: number | null;
  readonly graceSeconds: number;
}

export interface ExperimentActivities {
  /** Called once for each run, before its first claim. */
  begin(experimentId: string): Promise<BegunRun>;
  /** Executes one batch of commands of the preparation. */
  prepare(input: AdvanceInput): Promise<DispatchResult>;
  /** Executes one batch of commands. */
  advance(input: AdvanceInput): Promise<DispatchResult>;
}
