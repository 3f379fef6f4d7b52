import type { Logger } from './logging.ts';

/** What has been opened, closed in the reverse order. One part that fails to close does not keep the others open. */
export class Cleanup {
  private readonly log: Logger;
  private readonly parts: { name: string; close: () => unknown }[] = [];
  private running: Promise<void> | null = null;

  constructor(log: Logger) {
    this.log = log;
  }

  add(name: string, close: () => unknown): void {
    this.parts.push({ name, close });
  }

  run(): Promise<void> {
    this.running ??= this.closeAll();
    return this.running;
  }

  private async closeAll(): Promise<void> {
    for (const { name, close } of this.parts.toReversed()) {
      const from = performance.now();
      try {
        await close();
        this.log.debug({ part: name, seconds: (performance.now() - from) / 1000 }, 'closed');
      } catch (error) {
        this.log.warn({ err: error, part: name }, 'could not be closed cleanly');
      }
    }
  }
}
