/** Numbers as Kubernetes writes them: `4`, `500m`, `64Gi`. */

const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Null where it is not a quantity. */
export function quantity(text: string | undefined): number | null {
  const [, digits, exponent, suffix] =
    /^([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(?:([eE][+-]?\d+)|([a-zA-Z]*))$/.exec(text ?? '') ?? [];
  if (digits === undefined) return null;
  const factor = exponent === undefined ? FACTORS[suffix ?? ''] : 1;
  return factor === undefined ? null : Number(`${digits}${exponent ?? ''}`) * factor;
}
