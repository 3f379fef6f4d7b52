/**
 * Rooms that import each other in a circle. oxlint sees circles of files; two folders can do the same to a reader
 * without any file being in one.
 */
import { posix } from 'node:path';

/** Where rooms are: each folder directly below is one, and so is each file. */
const HOUSES = [
  'domain',
  'k8s',
  'workflows',
  'services/api/src',
  'services/cli/src',
  'services/platform/src',
  'services/standalone/src',
  'services/web/src',
  'services/worker/src',
];

const IMPORT = /^(?:import|export)\s(?:[^;']*?\sfrom\s)?'([^']+)';|\bimport\('([^']+)'\)/gm;
const TEST = /\.test\.tsx?$|\/testing\//;

/** One import that is part of a circle. */
interface Step {
  readonly from: string;
  readonly to: string;
  /** The file that says so, and what it imports. */
  readonly example: string;
}

/** Sentences about all circles. `files`: text by path from the root; tests do not count, as nothing imports them. */
export function folderCycles(files: ReadonlyMap<string, string>): readonly string[] {
  return HOUSES.flatMap((house) => {
    const steps = stepsIn(house, files);
    return circles(steps).map(
      (circle) =>
        `rooms of ${house} import each other in a circle:\n${circle.map(({ from, to, example }) => `  ${from} → ${to} (${example})`).join('\n')}`,
    );
  });
}

function stepsIn(house: string, files: ReadonlyMap<string, string>): readonly Step[] {
  const steps = new Map<string, Step>();
  for (const [path, text] of files) {
    if (!path.startsWith(`${house}/`) || TEST.test(path)) continue;
    for (const [, plain, called] of text.matchAll(IMPORT)) {
      const named = plain ?? called ?? '';
      if (!named.startsWith('.')) continue;
      const target = posix.join(posix.dirname(path), named);
      const [from, to] = [roomOf(house, path), roomOf(house, target)];
      if (to === null || from === null || from === to) continue;
      steps.set(`${from} ${to}`, { from, to, example: `${path} imports ${target}` });
    }
  }
  return [...steps.values()];
}

function roomOf(house: string, path: string): string | null {
  const below = path.slice(house.length + 1).split('/')[0];
  return path.startsWith(`${house}/`) && below !== undefined ? below : null;
}

/** For each group of rooms that reach each other, the imports among them. */
function circles(steps: readonly Step[]): readonly (readonly Step[])[] {
  const next = Map.groupBy(steps, ({ from }) => from);
  const reachable = new Map([...next.keys()].map((room) => [room, reachedFrom(room, next)] as const));
  const reach = (from: string, to: string) => reachable.get(from)?.has(to) === true;
  const within = steps.filter(({ from, to }) => reach(to, from));
  return [...Map.groupBy(within, ({ from }) => groupOf(from, [...next.keys()], reach)).values()];
}

function reachedFrom(room: string, next: ReadonlyMap<string, readonly Step[]>): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [room];
  for (let current = open.pop(); current !== undefined; current = open.pop()) {
    for (const { to } of next.get(current) ?? []) {
      if (found.has(to)) continue;
      found.add(to);
      open.push(to);
    }
  }
  return found;
}

/** The first room of those that reach it and are reached from it. */
function groupOf(room: string, rooms: readonly string[], reach: (from: string, to: string) => boolean): string {
  return rooms.find((other) => reach(room, other) && reach(other, room)) ?? room;
}
