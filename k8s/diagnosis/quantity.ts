/** Quantities of memory as Kubernetes writes them ("25165824", "16Gi") for people: "24 MiB", "16 GiB". */
const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'];
const SUFFIXED = /^(\d+(?:\.\d+)?)(K|M|G|T)i$/;

export function memoryWords(quantity: string): string {
  const suffixed = SUFFIXED.exec(quantity);
  if (suffixed !== null) return `${suffixed[1]} ${suffixed[2]}iB`;
  if (!/^\d+$/.test(quantity)) return quantity;
  let value = Number(quantity);
  let unit = 'bytes';
  for (const larger of UNITS) {
    if (value < 1024) break;
    value /= 1024;
    unit = larger;
  }
  return `${Number(value.toFixed(1))} ${unit}`;
}
