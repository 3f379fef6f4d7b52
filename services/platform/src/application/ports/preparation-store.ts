/** Preparations: what is done once for an experiment before its trials are known. Its dataset is generated. */
import type { GenerationReport, GenerationSpec } from '@lamina/domain/contract/generation.ts';
import type { DatasetRef } from '@lamina/domain/contract/settings.ts';
import type { Plan } from '@lamina/domain/contract/trial.ts';
import type { PreparationState } from '@lamina/domain/vocabulary/states.ts';
import type { ClaimedTrial, PlannedExperiment } from './records.ts';

export interface NewPreparation {
  /** The same for everything that gives the same data. */
  readonly specHash: string;
  readonly spec: GenerationSpec;
  /** Whether trials that were measured before are taken over, once they are known. */
  readonly reuse: boolean;
  readonly plan: Plan;
  /** Data that were generated before, and by which experiment: nothing is left to do. */
  readonly done: (PreparedDataset & { readonly experimentId: string }) | null;
}

export interface PreparedDataset {
  readonly dataset: Extract<DatasetRef, { source: 'file' }>;
  readonly report: GenerationReport;
}

export interface PreparationRecord extends Omit<NewPreparation, 'done'> {
  readonly experimentId: string;
  readonly state: PreparationState;
  readonly attempts: number;
  readonly message: string | null;
  /** Null until it has succeeded. */
  readonly prepared: PreparedDataset | null;
  /** The experiment whose data were taken over. */
  readonly reusedFrom: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

export interface PreparationStore {
  getPreparation(experimentId: string): Promise<PreparationRecord | null>;
  /** The newest that has succeeded, of those that give the same data. */
  preparedBefore(specHash: string): Promise<PreparationRecord | null>;
  /** A run begins, and owns no attempt: what an earlier one left open is pending again. Null where nothing is open. */
  beginPreparation(experimentId: string): Promise<PreparationRecord | null>;
  /** As `claimTrials`, of the one thing there is to do. */
  claimPreparation(experimentId: string, batch: number): Promise<ClaimedTrial | null>;
  /** Moves one that is open; one that has ended stays as it is. */
  movePreparation(
    experimentId: string,
    to: {
      readonly state: Exclude<PreparationState, 'pending' | 'succeeded'>;
      attempts?: number;
      message?: string | null;
    },
  ): Promise<void>;
  /** In one transaction: it has succeeded, the document names the data, and the trials are stored. Once. */
  completePreparation(experimentId: string, prepared: PreparedDataset, planned: PlannedExperiment): Promise<void>;
  /**
   * What it ended as; one that has failed or was cancelled ends its experiment the same way. Null where it is open: it
   * is pending again then, as its run owns no attempt.
   */
  endPreparation(experimentId: string): Promise<'succeeded' | 'failed' | 'cancelled' | null>;
  /** One that has failed or was cancelled is pending again; false where there is none. */
  resetPreparation(experimentId: string): Promise<boolean>;
}
