/** Follows an experiment until it has ended. */

import type { ExperimentView } from '@lamina/domain/contract/api.ts';
import { trialHasEnded } from '@lamina/domain/vocabulary/states.ts';
import type { Client } from './client.ts';
import type { NumberedEvent } from './event-stream.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import { endText } from './format/forecast.ts';
import { generationText } from './format/generation.ts';
import { counted } from './format/text.ts';
import type { Io, Screen } from './io.ts';
import { progressLine } from './progress/lines.ts';
import { livePicture } from './progress/live.ts';
import { applyEvent, hasEnded, type Progress, progressOf, trialProgress, withTrial } from './progress/state.ts';

const REDRAW_MS = 120;
const REFRESH_MS = 4000;
/** Beyond this many trials only the experiment itself is asked for again; events tell the rest. */
const SMALL = 500;

export interface WatchOptions {
  /** Called with every event, instead of showing progress. */
  readonly onEvent?: (event: NumberedEvent) => void;
}

/**
 * Shows progress (drawn in place on a terminal, line by line elsewhere) until the experiment has ended, and survives
 * a server that goes away and comes back. Resolves to its last state; with the signal, to the state known then.
 */
export async function watchExperiment(
  client: Client,
  id: string,
  io: Io,
  options: WatchOptions = {},
): Promise<ExperimentView> {
  const view = createView(io, options);
  let progress = await snapshot(client, id);
  if (hasEnded(progress.experiment)) return progress.experiment;
  view.show(progress);

  const stop = new AbortController();
  const signal = AbortSignal.any([io.signal, stop.signal]);
  const refresh = async (whole: boolean): Promise<void> => {
    // Not reachable for a moment: the stream says so and waits.
    const next = await (whole ? snapshot(client, id) : headOnly(client, progress)).catch(() => null);
    if (next === null || signal.aborted) return;
    progress = whole ? keepingSteps(next, progress) : { ...progress, experiment: next.experiment };
    view.show(progress);
    if (!hasEnded(next.experiment)) return;
    if (!whole) await refresh(true);
    stop.abort();
  };
  const timer = setInterval(() => void refresh(progress.trials.size <= SMALL), REFRESH_MS);
  try {
    for await (const numbered of client.events(id, signal, (waitMs) => view.lost(waitMs))) {
      options.onEvent?.(numbered);
      const before = progress;
      progress = applyEvent(progress, numbered.event);
      if (progress === before) continue;
      const { event } = numbered;
      if (event.type === 'trial' && trialHasEnded(event.data.state))
        progress = await withResult(client, progress, event.data.trialId);
      view.change(before, progress, numbered);
      if (progress.outdated || (event.type === 'experiment' && hasEnded(progress.experiment))) await refresh(true);
    }
  } finally {
    clearInterval(timer);
    view.done(progress);
  }
  return progress.experiment;
}

/** What a watched experiment's end means for the exit code. */
export function exitCodeOf(experiment: ExperimentView): ExitCode {
  if (experiment.state === 'failed') return EXIT_CODES.trialFailed;
  if (experiment.state === 'cancelled') return EXIT_CODES.cancelled;
  return hasEnded(experiment) ? EXIT_CODES.ok : EXIT_CODES.interrupted;
}

async function snapshot(client: Client, id: string): Promise<Progress> {
  const [detail, trials] = await Promise.all([client.show(id), client.trials(id)]);
  return progressOf(detail, trials);
}

async function headOnly(client: Client, progress: Progress): Promise<Progress> {
  const { cellList: _, ...experiment } = await client.show(progress.experiment.id);
  return { ...progress, experiment };
}

/** A snapshot knows nothing of single steps: what events said of a running trial stays. */
function keepingSteps(next: Progress, known: Progress): Progress {
  const trials = [...next.trials.values()].map((trial) => {
    const before = known.trials.get(trial.id);
    if (before === undefined || trialHasEnded(trial.state) || before.attempts !== trial.attempts) return trial;
    const { trainingLoss, memoryBytes } = before;
    return { ...trial, trainingLoss, memoryBytes, tokensPerSecond: trial.tokensPerSecond ?? before.tokensPerSecond };
  });
  return { ...next, trials: new Map(trials.map((trial) => [trial.id, trial])) };
}

async function withResult(client: Client, progress: Progress, trialId: string): Promise<Progress> {
  const trial = await client.trial(progress.experiment.id, trialId).catch(() => null);
  return trial === null ? progress : withTrial(progress, trialProgress(trial));
}

function createView(io: Io, { onEvent }: WatchOptions) {
  if (onEvent !== undefined) return { show() {}, change() {}, lost() {}, done() {} };
  return io.interactive ? liveView(io) : lineView(io);
}

function liveView(io: Io) {
  const screen: Screen = io.screen();
  let latest: Progress | null = null;
  let notice: string | null = null;
  let drawnAt = 0;
  const draw = (): void => {
    if (latest === null) return;
    drawnAt = io.now();
    screen.draw(
      livePicture(latest, { width: io.columns(), height: io.rows(), nowMs: drawnAt, color: io.color, notice }),
    );
  };
  // Elapsed time moves on while nothing happens.
  const ticks = setInterval(draw, 1000);
  return {
    show(progress: Progress) {
      latest = progress;
      draw();
    },
    change(_before: Progress, after: Progress) {
      latest = after;
      notice = null;
      if (io.now() - drawnAt >= REDRAW_MS) draw();
    },
    lost(waitMs: number) {
      notice = lostText(waitMs);
      draw();
    },
    done(progress: Progress) {
      clearInterval(ticks);
      latest = progress;
      notice = null;
      draw();
      screen.done();
    },
  };
}

function lineView(io: Io) {
  const stepLines = new Map<string, number>();
  let begun = false;
  let prepared: string | null = null;
  return {
    show({ experiment, trials, cells }: Progress) {
      const preparation = experiment.preparation == null ? null : generationText(experiment.preparation);
      if (preparation !== prepared) io.out(`${experiment.name} (${experiment.id}): ${preparation}\n`);
      prepared = preparation;
      if (begun || (trials.size === 0 && preparation !== null)) return;
      begun = true;
      io.out(
        `${experiment.name} (${experiment.id}): ${counted(trials.size, 'trial')} in ${counted(cells.length, 'cell')}${
          experiment.forecast === null ? '' : `, ${endText(experiment.forecast, io.now())}`
        }\n`,
      );
    },
    change(before: Progress, after: Progress, { event }: NumberedEvent) {
      const trialId = event.type === 'metrics' ? event.data.trialId : null;
      const line = progressLine(before, after, event, io.now(), stepLines.get(trialId ?? '') ?? 0);
      if (line === null) return;
      if (trialId !== null) stepLines.set(trialId, io.now());
      io.out(`${line}\n`);
    },
    lost: (waitMs: number) => io.err(`${lostText(waitMs)}\n`),
    done() {},
  };
}

function lostText(waitMs: number): string {
  return `connection lost; trying again in ${(waitMs / 1000).toFixed(waitMs < 1000 ? 1 : 0)} s (the experiment goes on by itself)`;
}
