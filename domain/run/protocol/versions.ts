/**
 * What outlives the code that wrote it: the state that a run carries into its next history, and what starts a workflow.
 * Each has a version and one function for each step to the next, which must never change once it has been released.
 * What release 0.1.0 wrote has no version; it counts as version 0.
 */
import { type ExperimentInput, INPUT_VERSION, type SearchInput } from '../../contract/workflow.ts';
import { type RunState, STATE_VERSION } from './state.ts';

type Written = Readonly<Record<string, unknown>>;
/** At index n: from version n to n + 1. */
type Steps = readonly ((written: Written) => Written)[];

/** Only the version itself was added. */
const toFirst = (written: Written): Written => ({ ...written, version: 1 });

/** The policy may say to pause after a GPU fault; a run whose policy does not goes on as it began. */
const toSecond = (written: Written): Written => ({ ...written, version: 2 });

export const STATE_STEPS: Steps = [toFirst, toSecond];
export const EXPERIMENT_INPUT_STEPS: Steps = [toFirst];
export const SEARCH_INPUT_STEPS: Steps = [toFirst];

/** @throws TypeError where the state is that of a later build: the run then waits for a worker that can read it */
export function upgradedState(carried: object): RunState {
  return upgraded(carried, STATE_STEPS, STATE_VERSION, 'state of a run') as unknown as RunState;
}

/** @throws TypeError as above */
export function upgradedExperimentInput<Input extends Omit<ExperimentInput, 'version'>>(
  input: Input,
): Input & ExperimentInput {
  const steps = EXPERIMENT_INPUT_STEPS;
  return upgraded(input, steps, INPUT_VERSION, 'input of an experiment') as unknown as Input & ExperimentInput;
}

/** @throws TypeError as above */
export function upgradedSearchInput(input: Omit<SearchInput, 'version'>): SearchInput {
  return upgraded(input, SEARCH_INPUT_STEPS, INPUT_VERSION, 'input of a search') as unknown as SearchInput;
}

function upgraded(value: object, steps: Steps, target: number, what: string): Written {
  let written = value as Written;
  const from = typeof written['version'] === 'number' ? written['version'] : 0;
  if (from > target) {
    throw new TypeError(
      `the ${what} has version ${from}, and this build reads up to ${target}: a later build wrote it`,
    );
  }
  for (const step of steps.slice(from)) written = step(written);
  return written;
}
