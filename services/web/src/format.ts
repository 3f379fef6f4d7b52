/** Numbers for people. A number that was not measured is a dash, never a zero. */
export const DASH = '–';

type Maybe = number | null | undefined;

function known(value: Maybe): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function fixed(value: Maybe, digits: number): string {
  return known(value) ? minus(value.toFixed(digits)) : DASH;
}

/** With a typographic minus and, on request, an explicit plus. */
export function signed(value: Maybe, digits: number): string {
  if (!known(value)) return DASH;
  const text = value.toFixed(digits);
  return Number(text) > 0 ? `+${text}` : minus(Number(text) === 0 ? text.replace('-', '') : text);
}

function minus(text: string): string {
  return text.replace('-', '−');
}

/** "peak memory" as "Peak memory". */
export function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** Three significant digits below 1,000, grouped integers above. */
export function compact(value: Maybe): string {
  if (!known(value)) return DASH;
  const size = Math.abs(value);
  if (size >= 1000) return minus(grouped.format(value));
  if (size === 0) return '0';
  if (size >= 100) return minus(value.toFixed(0));
  if (size >= 10) return minus(value.toFixed(1));
  if (size >= 1) return minus(value.toFixed(2));
  return minus(value.toPrecision(2));
}

/** 268 M, 8.03 B. */
export function count(value: Maybe): string {
  if (!known(value)) return DASH;
  for (const [unit, name] of [
    [1e12, 'T'],
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (Math.abs(value) >= unit) return `${(value / unit).toPrecision(3)} ${name}`;
  }
  return String(value);
}

export const GIB = 2 ** 30;

export function bytes(value: Maybe): string {
  if (!known(value)) return DASH;
  if (Math.abs(value) >= GIB) return `${(value / GIB).toFixed(2)} GiB`;
  if (Math.abs(value) >= 2 ** 20) return `${(value / 2 ** 20).toFixed(0)} MiB`;
  if (Math.abs(value) >= 2 ** 10) return `${(value / 2 ** 10).toFixed(0)} KiB`;
  return `${value} B`;
}

export function percent(value: Maybe, digits = 1): string {
  return known(value) ? `${minus((value * 100).toFixed(digits))} %` : DASH;
}

/** Two largest units: 45 s, 3 min 20 s, 2 h 5 min, 3 d 4 h. */
export function duration(seconds: Maybe): string {
  if (!known(seconds)) return DASH;
  const total = Math.max(0, seconds);
  if (total < 10) return `${total.toFixed(1)} s`;
  const whole = Math.round(total);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return join(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.round(whole / 60);
  if (minutes < 1440) return join(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(whole / 3600);
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** One unit, for lists: just now, 5 min ago, 3 h ago, 2 d ago. */
export function ago(iso: string, nowMs: number): string {
  const seconds = (nowMs - Date.parse(iso)) / 1000;
  if (!Number.isFinite(seconds)) return DASH;
  if (seconds < 45) return 'just now';
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

export function secondsBetween(from: string | null, to: string | null, nowMs: number): number | null {
  if (from === null) return null;
  const end = to === null ? nowMs : Date.parse(to);
  return Math.max(0, (end - Date.parse(from)) / 1000);
}

/** "14:32", in the last minutes "14:32:10", on another day "27 Nov, 14:32". */
export function clock(iso: string, nowMs: number): string {
  const at = new Date(iso);
  const isSoon = at.getTime() - nowMs < 600_000;
  const time = at.toLocaleTimeString('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    ...(isSoon ? { second: '2-digit' } : {}),
  });
  if (at.toDateString() === new Date(nowMs).toDateString()) return time;
  return `${at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })}, ${time}`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${grouped.format(n)} ${n === 1 ? one : many}`;
}
