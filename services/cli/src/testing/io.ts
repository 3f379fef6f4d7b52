/** An Io that keeps what is written, for tests. */
import { readFile } from 'node:fs/promises';
import { Chalk, type ColorSupportLevel } from 'chalk';
import type { Io } from '../io.ts';

export interface TestIo extends Io {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** What was drawn in place, frame by frame. */
  readonly frames: string[];
  readonly interrupt: () => void;
}

export interface TestIoOptions {
  readonly interactive?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly colors?: ColorSupportLevel;
  readonly env?: Io['env'];
  readonly cwd?: string;
  readonly stdin?: string;
  readonly now?: () => number;
}

export function testIo(options: TestIoOptions = {}): TestIo {
  const written = { out: '', err: '' };
  const frames: string[] = [];
  const abort = new AbortController();
  return {
    out: (text) => void (written.out += text),
    err: (text) => void (written.err += text),
    interactive: options.interactive ?? false,
    columns: () => options.columns ?? 100,
    rows: () => options.rows ?? 40,
    color: new Chalk({ level: options.colors ?? 0 }),
    env: options.env ?? {},
    cwd: options.cwd ?? '/',
    read: async (path) => (path === '-' ? (options.stdin ?? '') : readFile(path, 'utf8')),
    now: options.now ?? Date.now,
    signal: abort.signal,
    screen: () => ({ draw: (text) => void frames.push(text), done: () => {} }),
    stdout: () => written.out,
    stderr: () => written.err,
    frames,
    interrupt: () => abort.abort(),
  };
}
