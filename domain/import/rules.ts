/** What becomes of one setting of another tool. Tables of rules, by key, are what each source is made of. */
import type { Draft } from './draft.ts';

export type Rule = (value: unknown, draft: Draft, key: string) => void;
export type Rules = Readonly<Record<string, Rule>>;

/** A number, also one that was written as text, as "2e-5" is in YAML 1.1. */
export function number(path: string, convert: (value: number) => unknown = (value) => value): Rule {
  return (value, draft, key) => {
    const read = numberOf(value);
    if (read === null) return draft.leave(key, `${shown(value)} is no number`);
    draft.set(path, convert(read));
  };
}

export function flag(path: string, convert: (value: boolean) => unknown = (value) => value): Rule {
  return (value, draft, key) => {
    const read = flagOf(value);
    if (read === null) return draft.leave(key, `${shown(value)} is neither true nor false`);
    draft.set(path, convert(read));
  };
}

/** One of the words that the table knows. */
export function word(path: string, table: Readonly<Record<string, unknown>>): Rule {
  return (value, draft, key) => {
    const read = String(value).toLowerCase();
    if (read in table) return draft.set(path, table[read]);
    draft.leave(key, `Lamina has no ${shown(value)}; it has ${[...new Set(Object.values(table))].join(', ')}`);
  };
}

export function text(path: string): Rule {
  return (value, draft) => draft.set(path, String(value));
}

/** Known, and not carried over. */
export function leave(why: string): Rule {
  return (_value, draft, key) => draft.leave(key, why);
}

/** Read by the source as a whole. */
export const elsewhere: Rule = () => undefined;

/** Carried over without a trace where it is off; `why` where it is on. */
export function unlessOff(why: string): Rule {
  return (value, draft, key) => {
    if (flagOf(value) !== false) draft.leave(key, why);
  };
}

/** Every key of the source has its rule, or is named as one that Lamina does not have. Empty ones count as absent. */
export function apply(rules: Rules, settings: Readonly<Record<string, unknown>>, draft: Draft): void {
  for (const [key, value] of Object.entries(settings)) {
    if (value === null || value === undefined || value === '') continue;
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
    if (rule === undefined) draft.leave(key, 'Lamina has no such setting');
    else rule(value, draft, key);
  }
}

export function numberOf(value: unknown): number | null {
  const read = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof read === 'number' && Number.isFinite(read) ? read : null;
}

export function flagOf(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  return /^(true|yes|1)$/i.test(String(value)) ? true : /^(false|no|0|none)$/i.test(String(value)) ? false : null;
}

/** "a, b" and [a, b]. */
export function listOf(value: unknown): readonly string[] {
  const items = Array.isArray(value) ? value : String(value).split(',');
  return items.map((item) => String(item).trim()).filter((item) => item !== '');
}

export function shown(value: unknown): string {
  const written = typeof value === 'string' ? `"${value}"` : JSON.stringify(value);
  return written.length > 60 ? `${written.slice(0, 57)}…` : written;
}
