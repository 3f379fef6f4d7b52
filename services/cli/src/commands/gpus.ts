import type { GpuClassInventory, GpuInventory } from '@lamina/domain/contract/gpus.ts';
import { defineCommand, writeJson } from '../command.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { table } from '../format/table.ts';
import { ago } from '../format/time.ts';
import type { Io } from '../io.ts';

export const gpus = defineCommand({
  command: 'gpus',
  describe: 'list the GPUs that trials can run on',
  builder: (options) => options,
  run: async (_args, { io, client, json }) => {
    const inventory = await client.gpus();
    if (json) writeJson(io, inventory);
    else io.out(gpusText(inventory, io));
    return EXIT_CODES.ok;
  },
});

export function gpusText(
  { classes, note, source, at }: GpuInventory,
  { color, now }: Pick<Io, 'color' | 'now'>,
): string {
  const seen = color.dim(`${source}, seen ${ago(at, now())}`);
  const below = note === null ? `${seen}\n` : `${note}\n${seen}\n`;
  if (classes.length === 0) return below;
  const priced = classes.some(({ pricePerHour }) => pricePerHour !== null);
  const columns = [
    { title: color.dim('class') },
    { title: color.dim('memory'), align: 'right' },
    { title: color.dim('CUDA'), align: 'right' },
    { title: color.dim('nodes'), align: 'right' },
    { title: color.dim('a node'), align: 'right' },
    { title: color.dim('free'), align: 'right' },
    ...(priced ? [{ title: color.dim('an hour'), align: 'right' } as const] : []),
  ] as const;
  return `${table(
    columns,
    classes.map((each) => rowOf(each, priced)),
  )}\n${below}`;
}

function rowOf(each: GpuClassInventory, priced: boolean): string[] {
  const { memoryBytes, computeCapability, nodes, perNode, free, total, pricePerHour } = each;
  return [
    each.mig === null || each.name.includes(each.mig) ? each.name : `${each.name} (${each.mig})`,
    memoryBytes === null ? '–' : `${(memoryBytes / 2 ** 30).toFixed(1)} GiB`,
    computeCapability ?? '–',
    String(nodes),
    String(perNode),
    `${free ?? '?'} of ${total}`,
    ...(priced ? [pricePerHour === null ? '–' : pricePerHour.toFixed(2)] : []),
  ];
}
