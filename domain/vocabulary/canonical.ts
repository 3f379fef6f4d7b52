import canonicalize from 'canonicalize';

/** Canonical JSON (RFC 8785): equal values give equal text, whatever the order of their keys. */
export function canonical(value: unknown): string {
  return canonicalize(value) ?? 'null';
}
