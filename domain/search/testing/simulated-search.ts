/**
 * A tuner, a store and trials for the property tests of a study's steps: steps are lost before and after the tuner is
 * asked, trials run, fail, are retried and repeat what they reported. Broken invariants are noted in `violations`.
 */
import type { AdvanceStudyInput, AdvanceStudyOutput } from '../../contract/search.ts';
import { advance, answered, newSuggestion } from '../advance.ts';
import type { Observation, ParameterValues, Study, Suggestion, SuggestionEnd } from '../types.ts';

interface Trial {
  end: SuggestionEnd | null;
  losses: { step: number; loss: number | null }[];
}

/** The trial of the plain matrix that some suggestions equal. */
const PLAIN = 'trial-0';
const ENDS: readonly SuggestionEnd[] = [
  { state: 'complete', values: [1], message: null },
  { state: 'complete', values: [2], message: null },
  { state: 'failed', values: null, message: 'crashed' },
  { state: 'pruned', values: null, message: 'diverged' },
];

export type AdvanceFunction = typeof advance;

export class SimulatedSearch {
  readonly violations: string[] = [];
  readonly study: Study;
  readonly told = new Map<number, string>();
  done = false;
  readonly #advance: AdvanceFunction;
  readonly #asked = new Map<number, ParameterValues>();
  readonly #trials = new Map<string, Trial>([[PLAIN, { end: null, losses: [] }]]);
  #store: readonly Suggestion[] = [];

  constructor(study: Study, advanceFunction: AdvanceFunction = advance) {
    this.study = study;
    this.#advance = advanceFunction;
  }

  /** One thing happens; `a` and `b` choose which one of its kind. */
  act(operation: string, a: number, b: number): void {
    const trials = [...this.#trials.values()];
    const trial = trials[a % trials.length] as Trial;
    switch (operation) {
      case 'step':
        return this.step(b);
      case 'lose-before':
        return this.step(b, 'before');
      case 'lose-after':
        return this.step(b, 'after');
      case 'train':
        if (trial.end !== null) return;
        for (let step = 1 + (trial.losses.at(-1)?.step ?? 0), last = step + (b % 7); step <= last; step += 1)
          trial.losses.push({ step, loss: (a + step) % 11 === 0 ? null : 3 - step / 100 });
        return;
      case 'end':
        trial.end ??= ENDS[b % ENDS.length] ?? null;
        return;
      case 'retry':
        if (trial.end?.state === 'failed') trial.end = null;
        trial.losses = trial.losses.slice(0, b % 5);
        return;
      default:
        throw new Error(`unknown operation ${operation}`);
    }
  }

  step(choice: number, lost: 'before' | 'after' | null = null): void {
    const open = this.#store.filter(({ end }) => end === null);
    const observations = open.flatMap(({ trialId }): Observation[] => {
      const trial = this.#trials.get(trialId ?? '');
      return trial === undefined || trialId === null ? [] : [{ trialId, end: trial.end, losses: trial.losses }];
    });
    const step = this.#advance(this.study, this.#store, observations);
    this.#store = step.suggestions;
    if (lost === 'before') return;
    for (const { trialId } of step.prune) {
      if (trialId === PLAIN) this.violations.push('a trial of the matrix is pruned');
      const trial = this.#trials.get(trialId);
      if (trial !== undefined) trial.end ??= { state: 'pruned', values: null, message: 'behind' };
    }
    const output = this.#tune(step, choice);
    if (lost === 'after') return;
    this.#store = [...answered(step, output), ...output.suggestions.map((one) => this.#begin(one))];
    this.#check();
    if (step.done) this.done = true;
  }

  /** Everything comes to its end; false where it does not within its bound. */
  drain(choice: number): boolean {
    for (let round = 0; round < 10 + 4 * this.study.trials; round += 1) {
      this.step(choice + round);
      if (this.done) return true;
      for (const trial of this.#trials.values()) trial.end ??= ENDS[(choice + round) % ENDS.length] ?? null;
    }
    return false;
  }

  checkEnded(): void {
    const numbers = [...this.told.keys()].toSorted((a, b) => a - b);
    const expected = Array.from({ length: this.study.trials }, (_, index) => index);
    if (JSON.stringify(numbers) !== JSON.stringify(expected)) this.violations.push(`told of ${numbers}`);
  }

  /** As the real one: numbers that exist are answered as they are, and an end that was told stays. */
  #tune({ told, reports, asked }: AdvanceStudyInput | Omit<AdvanceStudyInput, 'study'>, choice: number) {
    for (const { number, state, values } of told) {
      const end = JSON.stringify({ state, values });
      if (!this.#asked.has(number)) this.violations.push(`told of ${number}, which was not suggested`);
      if ((this.told.get(number) ?? end) !== end) this.violations.push(`told of ${number} twice, and differently`);
      if ((state === 'complete') !== (values !== null)) this.violations.push(`${state} with ${values}`);
      this.told.set(number, end);
    }
    const every = this.study.spec.pruner?.every ?? Number.NaN;
    for (const { number, step, value } of reports) {
      if (step % every !== 0 || !Number.isFinite(value)) this.violations.push(`reports ${value} at ${step}`);
      const toldNow = told.some((end) => end.number === number);
      if (this.told.has(number) && !toldNow) this.violations.push(`reports on ${number}, which has ended`);
    }
    for (const number of asked) {
      if (number > this.#asked.size) this.violations.push(`asks for ${number} after ${this.#asked.size}`);
      if (number >= this.study.trials) this.violations.push(`asks for ${number} of ${this.study.trials}`);
      if (!this.#asked.has(number)) this.#asked.set(number, { x: (choice + number) % 4 });
    }
    return {
      suggestions: asked.map((number) => ({ number, parameters: { ...this.#asked.get(number) } })),
      prune: reports.flatMap(({ number, step }) => ((choice + step) % 3 === 0 ? [number] : [])),
      finished: { complete: 0, pruned: 0, failed: 0 },
    } satisfies AdvanceStudyOutput;
  }

  #begin({ number, parameters }: { number: number; parameters: ParameterValues }): Suggestion {
    if (parameters.x === 3) return newSuggestion({ number, parameters }, { objection: 'does not fit' });
    // Later suggestions repeat the values of earlier ones.
    const trialId = parameters.x === 0 ? PLAIN : `trial-${parameters.x}-${number % 5}`;
    if (!this.#trials.has(trialId)) this.#trials.set(trialId, { end: null, losses: [] });
    return newSuggestion({ number, parameters }, { trialId, own: trialId !== PLAIN });
  }

  #check(): void {
    const open = this.#store.filter(({ end }) => end === null).length;
    if (open > this.study.parallel) this.violations.push(`${open} suggestions are outstanding`);
    if (this.#store.some(({ number }, index) => number !== index)) this.violations.push('numbers have gaps');
  }
}
