/** Seconds that parts of the start take. */
export class Timings {
  private readonly parts = new Map<string, number>();

  async measure<T>(name: string, work: Promise<T>): Promise<T> {
    const from = performance.now();
    try {
      return await work;
    } finally {
      this.parts.set(name, Math.round(performance.now() - from) / 1000);
    }
  }

  seconds(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.parts);
  }
}
