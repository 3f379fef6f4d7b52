/** Quantities of memory as Kubernetes writes them ("25165824", "16Gi") for people: "24 MiB", "16 GiB". */
const QUANTITY = /^(\d+(?:\.\d+)?)(?:([KMGT])i)?$/;
const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
const PREFIXES = ['', 'K', 'M', 'G', 'T'];

/** What it cannot read it answers as it is. */
export function memoryWords(quantity: string): string {
  const parts = QUANTITY.exec(quantity);
  if (parts === null) return quantity;
  let value = Number(parts[1]);
  let unit = PREFIXES.indexOf(parts[2] ?? '');
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toFixed(1))} ${UNITS[unit]}`;
}
