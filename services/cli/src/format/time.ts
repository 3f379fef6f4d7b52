import prettyMilliseconds from 'pretty-ms';

/** "45s", "4m 12s", "1h 3m". */
export function duration(seconds: number): string {
  if (seconds < 0.05) return '0s';
  const rounded = seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds);
  return prettyMilliseconds(rounded * 1000, { unitCount: 2 });
}

/** "just now", "3 min ago", "2 days ago". */
export function ago(timestamp: string, nowMs: number): string {
  const seconds = Math.max(0, (nowMs - Date.parse(timestamp)) / 1000);
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return plural(Math.floor(seconds / 3600), 'hour');
  return plural(Math.floor(seconds / 86_400), 'day');
}

/** Seconds between two moments; up to now where the second is not there yet. */
export function elapsed(from: string | null, to: string | null, nowMs: number): number | null {
  return from === null ? null : Math.max(0, ((to === null ? nowMs : Date.parse(to)) - Date.parse(from)) / 1000);
}

/** "for 3m 12s", up to now. */
export function lasting(from: string, nowMs: number): string {
  return `for ${duration(Math.round(elapsed(from, null, nowMs) ?? 0))}`;
}

/** "10:04:12", local time. */
export function clock(nowMs: number): string {
  return new Date(nowMs).toLocaleTimeString('en-GB', { hour12: false });
}

function plural(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
}
