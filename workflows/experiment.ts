/**
 * One experiment: a thin shell around the run reducer. Signals, updates, timers and activity results become events;
 * commands become one batched activity at a time. Nothing here decides anything.
 */
import {
  type ExperimentInput,
  type ExperimentProgress,
  QUERIES,
  SIGNALS,
  UPDATES,
} from '@lamina/domain/contract/workflow.ts';
import type { EndedAttempt, PrunedTrial } from '@lamina/domain/run/events.ts';
import { initialState, isStatusSaved, needsReconcile, nextDueMs, type RunState } from '@lamina/domain/run/state.ts';
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { ExperimentActivities } from './activities.ts';
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
const progress = defineQuery<ExperimentProgress>(QUERIES.progress);

/** What comes before the trials, or they themselves: one run each. */
type Stage = 'preparation' | 'trials';
type Change = 'paused' | 'resumed' | 'cancelled';

interface Input extends ExperimentInput {
  /** The state of the same run before its history was cut off. */
  readonly carried?: RunState;
  /** That of its run; the trials unless given. */
  readonly stage?: Stage;
}

export async function experiment(input: Input): Promise<void> {
  const { experimentId } = input;
  let stage = input.stage ?? 'trials';
  let run = input.carried === undefined ? null : new Run(input.carried);
  /** What was asked for last: it holds for the next run as well, should the store not know yet. */
  let asked: Change | null = null;
  const early: EndedAttempt[][] = [];

  setHandler(attemptsEnded, (attempts) => {
    if (run === null) early.push([...attempts]);
    else run.hear({ type: 'attempts-ended', attempts });
  });
  // Before the run has begun there is nothing to prune.
  setHandler(pruneTrials, (trials) => run?.hear({ type: 'pruned', trials }));
  setHandler(progress, () => run?.progress() ?? { status: 'running', alive: 0, waiting: 0, recorded: 0 });
  const begun = async (): Promise<Run> => {
    await condition(() => run !== null);
    return run as Run;
  };
  const change = (type: Change) => async (): Promise<void> => {
    const running = await begun();
    asked = type;
    running.hear({ type });
    // It holds from now on; that the store shows it may have to wait for a launch that takes long.
    await condition(() => isStatusSaved(running.state), '3 seconds');
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
 * Events after which a history is cut off. Whoever takes a run over reads all of it first, while the run stands still:
 * with what the server suggests (about four thousand) that takes seconds.
 */
const LONG_HISTORY = 1_000;

function isHistoryLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength >= LONG_HISTORY;
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
    if (run.state.inFlight === null && isHistoryLong() && allHandlersFinished()) {
      const carried = { ...run.state, reconcileDue: true };
      await continueAsNew<typeof experiment>({ experimentId, carried, stage });
    }
  }
}

async function somethingNew(run: Run, heard: number): Promise<void> {
  const due = nextDueMs(run.state, Date.now());
  const changed = () => run.heard !== heard;
  if (due === null) await condition(changed);
  else await condition(changed, due - Date.now());
}

async function reconcileRegularly(run: Run): Promise<never> {
  for (;;) {
    await condition(() => needsReconcile(run.state));
    await sleep(run.state.policy.reconcileMs);
    run.hear({ type: 'reconcile-due' });
  }
}
