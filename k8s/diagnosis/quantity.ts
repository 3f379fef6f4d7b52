/** Resources and quantities of memory as Kubernetes writes them ("25165824", "16Gi") for people: "24 MiB", "16 GiB". */
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

const NAMES: Readonly<Record<string, string>> = {
  cpu: 'CPU',
  memory: 'host memory',
  'ephemeral-storage': 'local disk',
};

/** "nvidia.com/gpu" as "GPUs", "nvidia.com/mig-3g.40gb" as "GPU slices (3g.40gb)"; others by their own name. */
export function resourceWords(resource: string): string {
  const slice = /\/mig-(.+)$/.exec(resource)?.[1];
  if (slice !== undefined) return `GPU slices (${slice})`;
  return resource.endsWith('/gpu') ? 'GPUs' : (NAMES[resource] ?? resource);
}
