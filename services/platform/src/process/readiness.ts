const LIMIT_MS = 3000;

type State = 'ok' | 'failed';

export interface Readiness<Part extends string> {
  readonly status: State;
  readonly checks: Readonly<Record<Part, State>>;
}

/**
 * Asks every part of a process at the same time whether it answers. A part that rejects, or that says nothing for
 * three seconds, has failed; one that has failed makes the whole not ready.
 */
export async function readinessOf<Part extends string>(
  parts: Readonly<Record<Part, () => Promise<unknown>>>,
): Promise<Readiness<Part>> {
  const names = Object.keys(parts) as Part[];
  const states = await Promise.all(names.map((name) => stateOf(parts[name])));
  return {
    status: states.every((state) => state === 'ok') ? 'ok' : 'failed',
    checks: Object.fromEntries(names.map((name, at) => [name, states[at]])) as Record<Part, State>,
  };
}

async function stateOf(ask: () => Promise<unknown>): Promise<State> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<State>((resolve) => {
    timer = setTimeout(() => resolve('failed'), LIMIT_MS);
  });
  try {
    return await Promise.race([
      ask().then(
        () => 'ok' as const,
        () => 'failed' as const,
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
