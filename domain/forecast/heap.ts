export interface Heap<T> {
  push(at: number, item: T): void;
  /** The earliest; of equally early ones that which was pushed first. Null when empty. */
  pop(): { readonly at: number; readonly item: T } | null;
}

interface Entry<T> {
  readonly at: number;
  readonly order: number;
  readonly item: T;
}

/** A binary heap of what happens when. */
export function createHeap<T>(): Heap<T> {
  const entries: Entry<T>[] = [];
  let pushed = 0;
  const before = (a: Entry<T>, b: Entry<T>) => a.at < b.at || (a.at === b.at && a.order < b.order);

  function sink(): void {
    for (let at = 0; ; ) {
      const entry = entries[at] as Entry<T>;
      const left = entries[2 * at + 1];
      const right = entries[2 * at + 2];
      if (left === undefined) return;
      const isRight = right !== undefined && before(right, left);
      const child = isRight ? right : left;
      if (before(entry, child)) return;
      const place = isRight ? 2 * at + 2 : 2 * at + 1;
      entries[at] = child;
      entries[place] = entry;
      at = place;
    }
  }

  return {
    push(at, item) {
      const entry = { at, order: pushed, item };
      pushed += 1;
      let place = entries.length;
      entries.push(entry);
      while (place > 0) {
        const above = Math.floor((place - 1) / 2);
        const parent = entries[above] as Entry<T>;
        if (before(parent, entry)) return;
        entries[place] = parent;
        entries[above] = entry;
        place = above;
      }
    },
    pop() {
      const first = entries[0];
      const last = entries.pop();
      if (first === undefined || last === undefined) return null;
      if (entries.length > 0) {
        entries[0] = last;
        sink();
      }
      return { at: first.at, item: first.item };
    },
  };
}
