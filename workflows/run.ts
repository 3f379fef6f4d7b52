/** The run reducer's state within a workflow: events in, and a way to wait for them. */
import type { RunCommands } from '@lamina/domain/run/commands.ts';
import type { RunEvent } from '@lamina/domain/run/events.ts';
import type { RunState } from '@lamina/domain/run/protocol/state.ts';
import { step } from '@lamina/domain/run/protocol/step.ts';

type Heard<T> = T extends unknown ? Omit<T, 'atMs'> : never;

export class Run {
  state: RunState;
  /** Grows with every event. */
  heard = 0;

  constructor(state: RunState) {
    this.state = state;
  }

  hear(event: Heard<Exclude<RunEvent, { type: 'dispatch' }>>): void {
    this.state = step(this.state, { ...event, atMs: Date.now() } as RunEvent).state;
    this.heard += 1;
  }

  dispatch(): RunCommands | null {
    const { state, commands } = step(this.state, { type: 'dispatch', atMs: Date.now() });
    this.state = state;
    return commands;
  }
}
