/** Classes of GPUs by the memory that CUDA reports, which is less than what is printed on the box. */

export interface GpuClass {
  readonly name: string;
  /** Memory that CUDA reports, bytes. */
  readonly memoryBytes: number;
  /** Most GPUs of it in one node. */
  readonly perNode: number;
}

const GIB = 2 ** 30;

/** A card by the memory that it reports: what is sold as 80 GB has neither 80 GB nor 80 GiB. */
function card(product: string, gib: number, perNode: number): GpuClass {
  return { name: `${product} (${gib.toFixed(1)} GiB)`, memoryBytes: gib * GIB, perNode };
}

/** Used where no inventory says what there is: sold as 8, 12, 16, 24, 32, 40, 48, 80, 96, 141 and 192 GB. */
export const COMMON_CLASSES: readonly GpuClass[] = [
  card('RTX 4060', 7.6, 2),
  card('RTX 3060', 11.6, 2),
  card('V100', 15.7, 8),
  card('RTX 4090', 23.5, 8),
  card('RTX 5090', 31.4, 8),
  card('A100', 39.4, 8),
  card('L40S', 44.4, 8),
  card('H100', 79.1, 8),
  card('RTX PRO 6000', 94.9, 8),
  card('H200', 139.8, 8),
  card('B200', 178.4, 8),
];

/** The classes that a document's `resources.gpuClass` means: by name, or by its beginning ("H100"). */
export function classesNamed(classes: readonly GpuClass[], wanted: string): readonly GpuClass[] {
  const exact = classes.filter(({ name }) => name === wanted);
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '');
  return exact.length > 0 ? exact : classes.filter(({ name }) => plain(name).startsWith(plain(wanted)));
}
