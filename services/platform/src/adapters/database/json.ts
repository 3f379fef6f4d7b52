/** Escapes that Postgres refuses in jsonb: NUL, and halves of surrogate pairs. */
const REFUSED = /\\u(?:0000|d[89a-f])/;

/** JSON text for a jsonb parameter; characters that Postgres cannot hold become U+FFFD. */
export function json(value: unknown): string {
  const text = JSON.stringify(value);
  if (!REFUSED.test(text)) return text;
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'string' ? storable(inner) : inner));
}

/** The same for a text parameter. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}
