/**
 * Where in a log a reader is. The server can begin again at a second, not at a line: what was read already within that
 * second is recognized by its time stamps, which have nanoseconds, and by how many lines shared the last of them.
 */
export class LogPlace {
  private last = '';
  /** Lines with the last time stamp that have been read. */
  private read = 0;
  /** Lines with it that have come again since the connection was made anew. */
  private again = 0;

  /** From where to ask; undefined at the beginning. Call it once for each connection. */
  get sinceTime(): string | undefined {
    this.again = 0;
    return this.last === '' ? undefined : new Date(Number(this.last.split('.')[0]) * 1000).toISOString();
  }

  /** The line without its time stamp; null where it has been read before. */
  take(line: string): string | null {
    const space = line.indexOf(' ');
    const stamp = comparable(space === -1 ? line : line.slice(0, space));
    const text = space === -1 ? '' : line.slice(space + 1);
    if (stamp < this.last) return null;
    if (stamp === this.last) {
      this.again += 1;
      if (this.again <= this.read) return null;
      this.read = this.again;
      return text;
    }
    this.last = stamp;
    this.read = 1;
    this.again = 1;
    return text;
  }
}

/** Seconds since the epoch with nine digits behind the point: as text they compare like times. */
function comparable(stamp: string): string {
  const [, fraction = ''] = /\.(\d+)/.exec(stamp) ?? [];
  return `${Math.floor(Date.parse(stamp) / 1000)}.${fraction.padEnd(9, '0')}`;
}
