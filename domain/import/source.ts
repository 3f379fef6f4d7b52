import type { Draft, Tree } from './draft.ts';
import type { Rules } from './rules.ts';

export const SOURCES = ['llama-factory', 'axolotl', 'trl', 'katib', 'wandb'] as const;
export type SourceName = (typeof SOURCES)[number];

/** A tool whose configuration can be read. */
export interface Source {
  readonly name: SourceName;
  /** As its makers write it. */
  readonly title: string;
  /** Whether a file is one of this tool, as far as its keys tell. */
  readonly looks: (input: Tree) => boolean;
  readonly read: (input: Tree, draft: Draft, apply: (rules: Rules, settings: Tree) => void) => void;
}
