/** A document in the making, out of settings of another tool. */

/** Something of the source that the document does not have, and why. */
export interface LeftOut {
  /** The key as the source writes it. */
  readonly key: string;
  readonly why: string;
}

/** How weights are stored and trained, which several keys of a source say together. */
export interface Numerics {
  /** Null: the source does not say; the document's defaults hold. */
  method: 'full' | 'lora' | null;
  bits: 4 | 8 | null;
  quantType: 'nf4' | 'fp4';
  doubleQuant: boolean;
  /** What the source calls the dtype of weights. */
  dtype: 'fp32' | 'bf16' | 'fp16' | null;
  autocast: 'bf16' | 'fp16' | null;
  tf32: boolean;
  warmupRatio: number | null;
}

export type Tree = { [key: string]: unknown };

export class Draft {
  readonly document: Tree = { apiVersion: 'lamina/v1' };
  readonly left: LeftOut[] = [];
  /** Values by the path that they were set at. */
  readonly assigned = new Map<string, unknown>();
  readonly numerics: Numerics = {
    method: null,
    bits: null,
    quantType: 'nf4',
    doubleQuant: false,
    dtype: null,
    autocast: null,
    tf32: false,
    warmupRatio: null,
  };

  leave(key: string, why: string): void {
    this.left.push({ key, why });
  }

  /** `path` has dots between sections; below `matrix` and `search.parameters` the rest is one key, for axes have dots. */
  set(path: string, value: unknown): void {
    this.assigned.set(path, value);
    const keys = keysOf(path);
    let at = this.document;
    for (const key of keys.slice(0, -1)) {
      if (!isTree(at[key])) at[key] = {};
      at = at[key] as Tree;
    }
    at[keys.at(-1) ?? ''] = value;
  }

  get(path: string): unknown {
    let at: unknown = this.document;
    for (const key of keysOf(path)) at = isTree(at) ? at[key] : undefined;
    return at;
  }

  /** True where there was something to remove. Sections that become empty go as well. */
  remove(path: string): boolean {
    const keys = keysOf(path);
    const parents: Tree[] = [this.document];
    for (const key of keys.slice(0, -1)) {
      const next = parents.at(-1)?.[key];
      if (!isTree(next)) return false;
      parents.push(next);
    }
    if (!((keys.at(-1) as string) in (parents.at(-1) as Tree))) return false;
    for (let depth = keys.length - 1; depth >= 0; depth -= 1) {
      delete parents[depth]?.[keys[depth] as string];
      if (Object.keys(parents[depth] as Tree).length > 0) break;
    }
    return true;
  }
}

const ONE_KEY_BELOW = ['search.parameters.', 'matrix.'];

function keysOf(path: string): readonly string[] {
  const prefix = ONE_KEY_BELOW.find((each) => path.startsWith(each));
  if (prefix === undefined) return path.split('.');
  return [...prefix.slice(0, -1).split('.'), path.slice(prefix.length)];
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
