/** Does its work again and again, a while after each time, for as long as there is something to do. */
export class Periodic {
  private readonly options: PeriodicOptions;
  private timer: NodeJS.Timeout | null = null;
  private closed = false;

  constructor(options: PeriodicOptions) {
    this.options = options;
  }

  /** There may be something to do now. */
  schedule(): void {
    if (this.closed || this.timer !== null || this.options.idle()) return;
    this.timer = setTimeout(() => void this.round(), this.options.afterMs).unref();
  }

  close(): void {
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private async round(): Promise<void> {
    try {
      await this.options.work();
    } catch (error) {
      this.options.failed(error);
    }
    this.timer = null;
    this.schedule();
  }
}

export interface PeriodicOptions {
  /** From `schedule`, or from the end of a round, to the next one. */
  readonly afterMs: number;
  /** Is there nothing to do? */
  idle(): boolean;
  work(): Promise<void>;
  failed(error: unknown): void;
}
