/** When things start and end, for people: the middle of what is expected, and the interval in brackets. */
import type {
  AccuracyView,
  DurationView,
  ForecastView,
  IntervalView,
  MomentView,
} from '@lamina/domain/contract/forecast.ts';
import { duration } from './time.ts';

/** Below this, seconds left say more than a time of day. */
const SOON_SECONDS = 600;
/** A start this near is now. */
const NOW_SECONDS = 30;
/** As the service does: fewer say too little. */
const ENOUGH_CHECKS = 10;

/** "ends about 14:32 (14:20–15:05)", "ends in about 45s (38s–1m 2s)", or why that is not known. */
export function endText(forecast: Pick<ForecastView, 'end' | 'unknown'>, nowMs: number): string {
  if (forecast.end === null) return `end not known (${forecast.unknown ?? 'no forecast'})`;
  return `ends ${momentText(forecast.end, nowMs)}`;
}

/** "5m 12s (4m 40s–6m 3s), like 4 trials", or that there is none like it. */
export function durationText(view: DurationView | null): string {
  if (view === null) return '–';
  const { seconds, basis } = view;
  return `${duration(seconds.median)} (${duration(seconds.low)}–${duration(seconds.high)})${basis === 'rough' ? ', roughly' : ''}`;
}

/** What a preview says of the whole: start, end, what it uses, and how far such answers were off so far. */
export function previewForecastText(forecast: ForecastView, nowMs: number): string {
  const { start, end, unknown, trialsOfOthers, trialHours, gpuHours, cost, pastError } = forecast;
  const others = trialsOfOthers > 0 ? ` (GPUs are shared with ${trialsOfOthers} trials of others)` : '';
  const starts =
    start === null
      ? 'When it would start is not known'
      : secondsTo(start.high, nowMs) <= NOW_SECONDS
        ? 'It would start at once'
        : `It would start ${momentText(start, nowMs)}`;
  if (end === null) return `${starts}${others}; when it would end is not known: ${unknown ?? 'no forecast'}.`;
  const uses = [
    ...(gpuHours !== null ? [`${amount(gpuHours)} GPU-hours`] : []),
    ...(gpuHours === null && trialHours !== null ? [`${amount(trialHours)} trial-hours`] : []),
    ...(cost === null ? [] : [`cost ${amount(cost)}`]),
  ].join(', ');
  return `${starts}${others}, and end ${momentText(end, nowMs)}${uses === '' ? '' : `; ${uses}`}. ${accuracyText(pastError)}`;
}

/** How far past forecasts of the end were off, and whether that has been checked enough to rely on the interval. */
export function accuracyText({ n, medianError, coverage, widening }: AccuracyView): string {
  if (n === 0 || medianError === null || coverage === null) return 'No forecast has been checked yet.';
  const off = `${n === 1 ? 'The one forecast so far was' : `Of ${n} forecasts so far half were`} off by ${n === 1 ? '' : 'less than '}${percent(medianError)}`;
  if (n < ENOUGH_CHECKS) return `${off}; the interval is not checked by so few.`;
  const widened = widening > 1 ? ', and this one is widened for it' : '';
  return `${off}; ${percent(coverage)} ended inside their interval (80 % promised)${widened}.`;
}

function momentText({ low, median, high }: MomentView, nowMs: number): string {
  const left = secondsTo(high, nowMs);
  const [from, middle, to] = [low, median, high].map((at) => secondsTo(at, nowMs)) as [number, number, number];
  if (left < SOON_SECONDS) return `in about ${rounded(middle)} (${rounded(from)}–${rounded(to)})`;
  return `about ${timeOfDay(median, nowMs)} (${timeOfDay(low, nowMs)}–${timeOfDay(high, nowMs)})`;
}

function secondsTo(at: string, nowMs: number): number {
  return Math.max(0, (Date.parse(at) - nowMs) / 1000);
}

function rounded(seconds: number): string {
  return duration(Math.round(seconds));
}

/** "14:32"; with the day where it is another. */
function timeOfDay(at: string, nowMs: number): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  if (date.toDateString() === new Date(nowMs).toDateString()) return time;
  return `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} ${time}`;
}

function amount({ low, median, high }: IntervalView): string {
  return `${short(median)} (${short(low)}–${short(high)})`;
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 0.1 ? String(Number(value.toPrecision(2))) : value.toPrecision(1);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
