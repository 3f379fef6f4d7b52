/** Classes of GPUs by the memory that CUDA reports, which is less than what is printed on the box. */

export interface GpuClass {
  readonly name: string;
  /** Memory that CUDA reports, bytes. */
  readonly memoryBytes: number;
  /** Most GPUs of it in one node. */
  readonly perNode: number;
}

const GIB = 2 ** 30;

/** Used where no inventory says what there is; each with a card that reports this much. */
export const COMMON_CLASSES: readonly GpuClass[] = [
  { name: '12 GB (RTX 3060)', memoryBytes: 11.75 * GIB, perNode: 2 },
  { name: '16 GB (V100)', memoryBytes: 15.75 * GIB, perNode: 8 },
  { name: '24 GB (RTX 4090)', memoryBytes: 23.5 * GIB, perNode: 8 },
  { name: '40 GB (A100)', memoryBytes: 39.4 * GIB, perNode: 8 },
  { name: '80 GB (H100)', memoryBytes: 79.1 * GIB, perNode: 8 },
];
