/** A mistake, or several, for every entry of the protocol: what a careless change would make of it. */
import type { FailureClass } from '@lamina/domain/failures/registry.ts';
import type { Decision } from '@lamina/domain/run/protocol/policy/types.ts';
import { RULES } from '@lamina/domain/run/protocol/rules.ts';

/** Classes of failure of which there are histories. One that is added to the registry has none to hold on to. */
export const RECORDED_CLASSES = [
  ...(['invalid', 'gpu-out-of-memory', 'host-out-of-memory', 'gpu-fault', 'disrupted'] as const),
  ...(['stalled', 'timed-out', 'unschedulable', 'image-pull', 'crashed'] as const),
] satisfies readonly FailureClass[];

type Rules = typeof RULES;
export type RuleName = keyof Rules;

interface Mistake<Rule> {
  readonly rule: Rule;
  /** The recorded history that no longer replays with it. */
  readonly noticedBy: string;
}

/** The entries as they are. */
const right: Rules = { ...RULES };

const mistake = <Rule>(noticedBy: string, rule: Rule): Mistake<Rule> => ({ noticedBy: `${noticedBy}.1`, rule });

const CRASH = 'a-generation-that-fails-ends-the-experiment-until-it-is-retried';
const LOST = 'a-lost-attempt-is-found-missing-and-resumed';
const STALLED = 'a-stalled-attempt-is-stopped-and-resumed-once';
const CANCEL = 'cancel-stops-attempts-and-starts-nothing-more';
const DEADLINE = 'an-attempt-beyond-its-deadline-fails-its-trial';
const PAUSED = 'paused-while-trials-wait-for-their-back-off';
const MANY = 'more-attempts-at-once-than-one-batch-starts';
const EVERY_CLASS = 'every-class-of-failure-is-answered';

export const MISTAKES: { readonly [Rule in RuleName]: Readonly<Record<string, Mistake<Rules[Rule]>>> } = {
  maxStarts: { 'one at a time': mistake(LOST, 1), 'without a bound': mistake(MANY, 1_000) },
  maxRecords: { 'one at a time': mistake(CANCEL, 1) },
  longHistory: { later: mistake('an-experiment-in-several-histories', 2_000) },
  decide: Object.fromEntries(RECORDED_CLASSES.map((each) => [each, mistake(noticing(each), deciding(each))])),
  verdict: {
    'always healthy': mistake(STALLED, () => null),
    'silence is healthy': mistake(STALLED, (seen, policy) => right.verdict({ ...seen, silentMs: null }, policy)),
    'never healthy': mistake(EVERY_CLASS, () => 'stalled'),
  },
  dueAtMs: {
    'no back-off is waited for': mistake(CRASH, () => 0),
    'at once is after a moment': mistake(LOST, (delayMs, nowMs) => nowMs + Math.max(1, delayMs)),
  },
  isDue: {
    'too early': mistake(CRASH, (trial) => trial.phase === 'waiting'),
    never: mistake(CRASH, () => false),
  },
  mayStart: {
    'while paused': mistake('cancelled-while-paused-with-nothing-alive', (status) => status !== 'cancelling'),
  },
  isExhausted: {
    'one too few': mistake(CRASH, (claimed, limit) => claimed + 1 < limit),
    'only where nothing came': mistake(LOST, (claimed) => claimed === 0),
  },
  keepsEarly: { never: mistake('a-pause-while-data-are-generated-holds-for-the-trials', () => false) },
  isNothing: {
    'a change of status': mistake(PAUSED, (batch) => right.isNothing({ ...batch, setState: null })),
    records: mistake(DEADLINE, (batch) => right.isNothing({ ...batch, records: [] })),
    stops: mistake(STALLED, (batch) => right.isNothing({ ...batch, stops: [] })),
    launches: mistake(CRASH, (batch) => right.isNothing({ ...batch, launches: [] })),
    'a claim': mistake(DEADLINE, (batch) => right.isNothing({ ...batch, claim: null })),
    'a look at the runner': mistake(LOST, (batch) => right.isNothing({ ...batch, reconcile: false })),
    'the end': mistake(DEADLINE, (batch) => right.isNothing({ ...batch, finish: null })),
    'nothing at all is something': mistake(DEADLINE, () => false),
  },
  mayFinish: {
    'while trials are active': mistake(DEADLINE, (state) => right.mayFinish({ ...state, active: {} })),
    'before the status is saved': mistake('cancelled-while-paused-with-nothing-alive', (state) =>
      right.mayFinish({ ...state, statusUnsaved: false }),
    ),
    'before the pool is empty': mistake('a-pause-while-data-are-generated-holds-for-the-trials', (state) =>
      right.mayFinish({ ...state, exhausted: true }),
    ),
    'never while cancelling': mistake(CANCEL, (state) => state.status !== 'cancelling' && right.mayFinish(state)),
  },
  nextDueMs: { never: mistake(PAUSED, () => null) },
  needsReconcile: {
    never: mistake(DEADLINE, () => false),
    'when nothing is alive': mistake(CANCEL, (state) => state.status !== 'ended'),
  },
  isStatusSaved: {
    'at once': mistake(CANCEL, () => true),
    'while it is on its way': mistake(CANCEL, ({ statusUnsaved }) => !statusUnsaved),
    never: mistake(CANCEL, () => false),
  },
};

function noticing(failureClass: FailureClass): string {
  if (failureClass === 'stalled') return STALLED;
  return failureClass === 'crashed' ? CRASH : EVERY_CLASS;
}

/** Fails where a class of failure would be tried again, and tries again where it would fail. */
function deciding(mistaken: FailureClass): Rules['decide'] {
  return (failureClass, failure) => {
    const decision = right.decide(failureClass, failure);
    return failureClass === mistaken ? otherwise(decision) : decision;
  };
}

function otherwise(decision: Decision): Decision {
  return decision.action === 'fail' ? { action: 'retry', delayMs: 0 } : { action: 'fail', message: 'a mistake' };
}
