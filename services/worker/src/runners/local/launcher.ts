import type { ProcessIdentity } from './processes.ts';

export interface LaunchItem {
  /** Holds request.json; log.txt, status.json and what the trainer writes are put into the same folder. */
  readonly attemptDir: string;
  readonly env: Readonly<Record<string, string>>;
}

/** How a trainer process is made. It leads its own process group and outlives us. */
export interface Launcher {
  readonly name: string;
  /** Resolves once the process exists. The process that waits for it writes status.json when it ends. */
  start(item: LaunchItem): Promise<ProcessIdentity>;
  /** Frees what stands ready for further launches. */
  close(): Promise<void>;
}
