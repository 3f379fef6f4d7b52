/** What lists and watches would see of an object as JSON has it: the fields of its shape, and no others. */
import type { MessageShape } from '../protobuf.ts';

type Kind = MessageShape extends ReadonlyMap<number, infer Field> ? Field[keyof Field & 'kind'] : never;

export function project(object: unknown, shape: MessageShape): Record<string, unknown> {
  const of = object as Record<string, unknown>;
  const fields = [...shape.values()].filter(({ name }) => of[name] !== undefined);
  return Object.fromEntries(fields.map(({ name, kind }) => [name, projectValue(of[name], kind)]));
}

function projectValue(value: unknown, kind: Kind): unknown {
  if (value === null || typeof kind === 'string') return value;
  if ('listOf' in kind) return (value as unknown[]).map((item) => projectValue(item, kind.listOf));
  if ('mapTo' in kind) {
    const entries = Object.entries(value as Record<string, unknown>);
    return Object.fromEntries(entries.map(([key, entry]) => [key, projectValue(entry, kind.mapTo)]));
  }
  return project(value, kind);
}
