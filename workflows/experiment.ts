/**
 * One experiment: a thin shell around the run reducer. Signals, updates, timers and activity results become events;
 * commands become one batched activity at a time. Nothing here decides anything.
 */
import { type ExperimentInput, INPUT_VERSION, SIGNALS, UPDATES } from '@lamina/domain/contract/workflow.ts';
import type { EndedAttempt, PrunedTrial } from '@lamina/domain/run/events.ts';
import { RULES } from '@lamina/domain/run/protocol/rules.ts';
import { initialState, type RunState } from '@lamina/domain/run/protocol/state.ts';
import { upgradedExperimentInput, upgradedState } from '@lamina/domain/run/protocol/versions.ts';
import {
  allHandlersFinished,
  condition,
  defineSignal,
  defineUpdate,
  makeContinueAsNewFunc,
  patched,
  proxyActivities,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { ExperimentActivities } from './activities.ts';
import { PATCHES } from './patches.ts';
import { Run } from './run.ts';

const { begin, advance, prepare } = proxyActivities<ExperimentActivities>({
  startToCloseTimeout: '10 minutes',
  // A killed worker is noticed by its silence.
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
});

const attemptsEnded = defineSignal<[readonly EndedAttempt[]]>(SIGNALS.attemptsEnded);
const pruneTrials = defineSignal<[readonly PrunedTrial[]]>(SIGNALS.pruneTrials);
const pause = defineUpdate<void>(UPDATES.pause);
const resume = defineUpdate<void>(UPDATES.resume);
const cancel = defineUpdate<void>(UPDATES.cancel);
const wake = defineUpdate<void>(UPDATES.wake);

/** Where workers are versioned, the next history belongs to the build that new runs start with. */
const goOn = makeContinueAsNewFunc<typeof experiment>({ initialVersioningBehavior: 'AUTO_UPGRADE' });

/** What comes before the trials, or they themselves: one run each. */
type Stage = 'preparation' | 'trials';
type Change = 'paused' | 'resumed' | 'cancelled';

interface Input extends ExperimentInput {
  /** The state of the same run before its history was cut off, in the version of the code that wrote it. */
  readonly carried?: object;
  /** That of its run; the trials unless given. */
  readonly stage?: Stage;
}

export async function experiment(written: Input): Promise<void> {
  const input = upgradedExperimentInput(written);
  const { experimentId } = input;
  let stage = input.stage ?? 'trials';
  let run = input.carried === undefined ? null : new Run(upgradedState(input.carried));
  /** What was asked for last: it holds for the next run as well, should the store not know yet. */
  let asked: Change | null = null;
  const early: EndedAttempt[][] = [];

  setHandler(attemptsEnded, (attempts) => {
    if (run === null) early.push([...attempts]);
    else run.hear({ type: 'attempts-ended', attempts });
  });
  // Before the run has begun there is nothing to prune.
  setHandler(pruneTrials, (trials) => run?.hear({ type: 'pruned', trials }));
  const begun = async (): Promise<Run> => {
    await condition(() => run !== null);
    return run as Run;
  };
  const change = (type: Change) => async (): Promise<void> => {
    const running = await begun();
    asked = type;
    running.hear({ type });
    // It holds from now on; that the store shows it may have to wait for a launch that takes long.
    await condition(() => RULES.isStatusSaved(running.state), '3 seconds');
  };
  setHandler(pause, change('paused'));
  setHandler(resume, change('resumed'));
  setHandler(cancel, change('cancelled'));
  setHandler(wake, async () => {
    const running = await begun();
    asked = null;
    running.hear({ type: 'woken' });
  });

  for (;;) {
    if (run === null) {
      const { policy, status, preparing = false } = await begin(experimentId);
      stage = preparing ? 'preparation' : 'trials';
      run = new Run(initialState(policy, status));
      for (const attempts of early.splice(0)) run.hear({ type: 'attempts-ended', attempts });
      if (asked !== null) run.hear({ type: asked });
    }
    void reconcileRegularly(run);
    const ended = await drive(experimentId, run, stage);
    if (ended !== 'prepared') return;
    run = null;
  }
}

/**
 * A run that is pinned to an earlier build than new runs are goes on in a new history, with the later build. Histories that
 * were written before the limit on their length went on until the server suggested to end them, and bear no mark of it.
 */
function isHistoryToEnd(): boolean {
  const { continueAsNewSuggested, historyLength, targetWorkerDeploymentVersionChanged } = workflowInfo();
  if (continueAsNewSuggested || targetWorkerDeploymentVersionChanged) return true;
  return historyLength >= RULES.longHistory && patched(PATCHES.longHistory);
}

/** Until the run has ended, or its history is long enough to go on in a new one. */
async function drive(experimentId: string, run: Run, stage: Stage): Promise<'prepared' | 'ended'> {
  const execute = stage === 'preparation' ? prepare : advance;
  for (;;) {
    const { heard } = run;
    const commands = run.dispatch();
    if (commands !== null) {
      const { trialDeadlineSeconds: deadlineSeconds, graceSeconds } = run.state.policy;
      const result = await execute({ experimentId, commands, deadlineSeconds, graceSeconds });
      run.hear({ type: 'dispatched', result });
      if (stage === 'preparation' && result.finished === 'succeeded') return 'prepared';
    } else if (run.state.status === 'ended') {
      await condition(allHandlersFinished);
      if (run.heard === heard) return 'ended';
    } else {
      await somethingNew(run, heard);
    }
    if (run.state.inFlight === null && isHistoryToEnd() && allHandlersFinished()) {
      const carried: RunState = { ...run.state, reconcileDue: true };
      await goOn({ version: INPUT_VERSION, experimentId, carried, stage });
    }
  }
}

async function somethingNew(run: Run, heard: number): Promise<void> {
  const due = RULES.nextDueMs(run.state, Date.now());
  const changed = () => run.heard !== heard;
  if (due === null) await condition(changed);
  else await condition(changed, due - Date.now());
}

async function reconcileRegularly(run: Run): Promise<never> {
  for (;;) {
    await condition(() => RULES.needsReconcile(run.state));
    await sleep(run.state.policy.reconcileMs);
    run.hear({ type: 'reconcile-due' });
  }
}
