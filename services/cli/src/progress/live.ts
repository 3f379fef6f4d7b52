/** The live picture of a run, redrawn in place: head, one bar per cell, the trials that run now. */

import { blockedText } from '@lamina/domain/contract/blocked-text.ts';
import { trialHasEnded } from '@lamina/domain/vocabulary/states.ts';
import type { ChalkInstance } from 'chalk';
import { bar } from '../format/bar.ts';
import { endText } from '../format/forecast.ts';
import { generationText } from '../format/generation.ts';
import { counted, shortened, wrapped } from '../format/text.ts';
import { duration, elapsed, lasting } from '../format/time.ts';
import { endedCount, hasEnded, type Progress, stateCounts, type TrialProgress } from './state.ts';
import { phaseText, resultText, stateColor } from './words.ts';

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly nowMs: number;
  readonly color: ChalkInstance;
  /** Something that the viewer must know of the connection. */
  readonly notice: string | null;
}

const WIDEST = 100;
const LABEL = 44;
/** An error may be long; `lamina show` has all of it. */
const BLOCKED_LINES = 3;

export function livePicture(progress: Progress, frame: Frame): string {
  const width = Math.min(frame.width, WIDEST);
  const running = runningLines(progress, width, frame.color);
  const top = head(progress, width, frame);
  const room = Math.max(3, frame.height - top.length - 1 - running.length - 3);
  const lines = [
    ...top,
    '',
    ...cellLines(progress, width, room, frame.color),
    ...(running.length > 0 ? ['', ...running] : []),
    ...(frame.notice === null ? [] : ['', frame.color.yellow(frame.notice)]),
  ];
  return lines.slice(0, Math.max(6, frame.height - 1)).join('\n');
}

function head(progress: Progress, width: number, { nowMs, color }: Frame): string[] {
  const { experiment } = progress;
  const total = progress.trials.size;
  const ended = endedCount(progress);
  const spent = elapsed(experiment.startedAt ?? experiment.createdAt, experiment.endedAt, nowMs);
  const percent = total === 0 ? 0 : ended / total;
  const right = `  ${Math.floor(percent * 100)} %${spent === null ? '' : `  ${duration(Math.round(spent))}`}`;
  return [
    `${color.bold(shortened(experiment.name, 50))}  ${stateColor(experiment.state, color)}  ${color.dim(experiment.id)}`,
    `${color.cyan(bar(percent, Math.max(10, width - right.length)))}${right}`,
    shortened(progress.trials.size === 0 ? waitsFor(progress, nowMs) : countsText(progress, nowMs), width),
    ...(experiment.blocked === null
      ? []
      : wrapped(blockedText(experiment.blocked, lasting(experiment.blocked.since, nowMs)), width)
          .split('\n')
          .slice(0, BLOCKED_LINES)
          .map((line) => color.red(line))),
  ];
}

/** Without trials there is a dataset to come first. */
function waitsFor(progress: Progress, nowMs: number): string {
  const { preparation } = progress.experiment;
  return preparation == null ? countsText(progress, nowMs) : generationText(preparation);
}

function countsText(progress: Progress, nowMs: number): string {
  const { forecast } = progress.experiment;
  const counts = stateCounts(progress);
  const parts = [
    `${endedCount(progress)} of ${counted(progress.trials.size, 'trial')} ended`,
    ...(['running', 'retrying', 'reused', 'diverged', 'pruned', 'failed', 'cancelled'] as const).flatMap((state) =>
      counts[state] ? [`${counts[state]} ${state}`] : [],
    ),
    ...(forecast === null || hasEnded(progress.experiment) ? [] : [endText(forecast, nowMs)]),
  ];
  return parts.join(' · ');
}

function cellLines(progress: Progress, width: number, room: number, color: ChalkInstance): string[] {
  const byCell = Map.groupBy(progress.trials.values(), ({ cellId }) => cellId);
  const label = Math.min(LABEL, Math.max(...progress.cells.map((cell) => cell.label.length), 4));
  const cells = progress.cells.map((cell) => ({ ...cell, trials: byCell.get(cell.id) ?? [] }));
  const shown = cells.length <= room ? cells : mostTelling(cells, room - 1);
  const lines = shown.map(({ label: text, trials }) => {
    const done = trials.filter(({ state }) => trialHasEnded(state)).length;
    const share = trials.length === 0 ? 0 : trials.reduce((sum, trial) => sum + shareDone(trial), 0) / trials.length;
    const name = shortened(text, label).padEnd(label);
    return `${name}  ${bar(share, 12)} ${`${done}/${trials.length}`.padStart(5)}  ${shortened(resultText(trials), width - label - 24)}`;
  });
  const hidden = cells.length - shown.length;
  return hidden === 0 ? lines : [...lines, color.dim(`… and ${counted(hidden, 'more cell')}`)];
}

/** Where there is no room for all: cells at work first, then those still to come, then those done; in matrix order. */
function mostTelling<T extends { readonly trials: readonly TrialProgress[] }>(cells: readonly T[], room: number): T[] {
  const rank = ({ trials }: T): number => {
    if (trials.some(({ state }) => state === 'running' || state === 'retrying')) return 0;
    return trials.every(({ state }) => trialHasEnded(state)) ? 2 : 1;
  };
  const chosen = new Set(cells.toSorted((a, b) => rank(a) - rank(b)).slice(0, room));
  return cells.filter((cell) => chosen.has(cell));
}

function runningLines(progress: Progress, width: number, color: ChalkInstance): string[] {
  const labels = new Map(progress.cells.map(({ id, label }) => [id, label]));
  const running = [...progress.trials.values()].filter(({ state }) => state === 'running' || state === 'retrying');
  const limit = 8;
  const lines = running.slice(0, limit).map((trial) => {
    const name = shortened(labels.get(trial.cellId) ?? trial.cellId, LABEL);
    return shortened(`▸ ${name}, seed ${trial.seed}: ${phaseText(trial)}`, width);
  });
  return running.length > limit ? [...lines, color.dim(`… and ${running.length - limit} more running`)] : lines;
}

function shareDone({ state, step, steps }: TrialProgress): number {
  if (trialHasEnded(state)) return 1;
  return state === 'running' && step !== null && steps !== null && steps > 0 ? (step / steps) * 0.95 : 0;
}
