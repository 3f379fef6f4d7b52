import { usageError } from '../errors.ts';

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Bytes of "16GiB", "16 GB" or "17179869184". */
export function bytesOf(text: string): number {
  const [, amount, unit] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const factor = UNITS[(unit || 'b').toLowerCase()];
  const bytes = amount === undefined || factor === undefined ? 0 : Math.round(Number(amount) * factor);
  if (bytes > 0) return bytes;
  throw usageError(`"${text}" is not a size`, 'write for example 16GiB or 24GB');
}

/** The same of a GPU's memory: a number without a unit would be so many bytes. */
export function gpuBytesOf(text: string): number {
  const bytes = bytesOf(text);
  if (bytes >= 2 ** 30) return bytes;
  throw usageError(
    `"${text.trim()}" is less than 1 GiB of GPU memory`,
    `write its unit, for example ${text.trim()}GiB`,
  );
}
