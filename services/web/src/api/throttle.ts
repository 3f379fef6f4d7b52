/** Gathers keys and hands them over together: at once after a quiet spell, then at most every `intervalMs`. */
export interface Gatherer<K> {
  add(key: K): void;
  close(): void;
}

interface Clock {
  now(): number;
  /** Returns what cancels it. */
  after(ms: number, run: () => void): () => void;
}

const realClock: Clock = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export function gather<K>(
  intervalMs: number,
  flush: (keys: ReadonlySet<K>) => void,
  clock: Clock = realClock,
): Gatherer<K> {
  let waiting = new Set<K>();
  let cancel: (() => void) | null = null;
  let last = Number.NEGATIVE_INFINITY;
  const run = () => {
    cancel = null;
    last = clock.now();
    const keys = waiting;
    waiting = new Set();
    flush(keys);
  };
  return {
    add(key) {
      waiting.add(key);
      cancel ??= clock.after(Math.max(0, last + intervalMs - clock.now()), run);
    },
    close() {
      cancel?.();
      cancel = null;
      waiting.clear();
    },
  };
}
