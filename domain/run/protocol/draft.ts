/** A private, writable copy of the state for the length of one step. */

import type { ActiveTrial } from '../types.ts';
import type { RunState } from './state.ts';

export type Draft = { -readonly [K in keyof Omit<RunState, 'active' | 'records' | 'stops' | 'early'>]: RunState[K] } & {
  active: Record<string, ActiveTrial>;
  records: RunState['records'][number][];
  stops: RunState['stops'][number][];
  early: RunState['early'][number][];
};

export function draftOf(state: RunState): Draft {
  return {
    ...state,
    active: { ...state.active },
    records: [...state.records],
    stops: [...state.stops],
    early: [...state.early],
  };
}
