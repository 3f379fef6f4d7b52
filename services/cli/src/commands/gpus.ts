import type { DeviceView } from '@lamina/domain/contract/devices.ts';
import type { GpuClassInventory, GpuInventory } from '@lamina/domain/contract/gpus.ts';
import { defineCommand, writeJson } from '../command.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { table } from '../format/table.ts';
import { ago } from '../format/time.ts';
import type { Io } from '../io.ts';

export const gpus = defineCommand({
  command: 'gpus',
  describe: 'list the GPUs that trials can run on, and who uses them',
  builder: (options) =>
    options.option('take-back', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'give a GPU attempts again that was set aside: its number or UUID (repeatable)',
    }),
  run: async ({ takeBack = [] }, { io, client, json }) => {
    let inventory = await client.gpus();
    for (const name of takeBack) inventory = await client.takeBack(uuidOf(inventory.devices ?? [], name));
    if (json) writeJson(io, inventory);
    else io.out(gpusText(inventory, io));
    return EXIT_CODES.ok;
  },
});

/** @throws CliError where no GPU, or more than one, is meant */
function uuidOf(devices: readonly DeviceView[], name: string): string {
  const meant = devices.filter(({ uuid, index }) => index === name || (name.length > 4 && uuid.startsWith(name)));
  const [first] = meant;
  if (first !== undefined && meant.length === 1) return first.uuid;
  const many = `${meant.length} GPUs are called "${name}"`;
  throw new CliError(meant.length === 0 ? `there is no GPU "${name}" on this machine` : many, EXIT_CODES.notFound, {
    fix: '`lamina gpus` lists them; name one by its number or UUID',
  });
}

export function gpusText(inventory: GpuInventory, io: Pick<Io, 'color' | 'now'>): string {
  const { classes, devices, note, source, at } = inventory;
  const seen = io.color.dim(`${source}, seen ${ago(at, io.now())}`);
  const below = note === null ? `${seen}\n` : `${note}\n${seen}\n`;
  if (devices !== undefined) return `${devicesText(devices, io)}\n${below}`;
  return classes.length === 0 ? below : `${classesText(classes, io)}\n${below}`;
}

function devicesText(devices: readonly DeviceView[], { color, now }: Pick<Io, 'color' | 'now'>): string {
  const aside = devices.flatMap(({ index, setAside }) => (setAside === null ? [] : [{ index, setAside }]));
  const lines = aside.map(({ index, setAside: { since, until, reason, attemptId } }) => {
    const end = until === null ? `until \`lamina gpus --take-back ${index}\`` : `until ${until}`;
    return `GPU ${index} was set aside ${ago(since, now())}, ${end}: ${reason} (${attemptId})`;
  });
  const columns = [
    { title: color.dim('GPU') },
    { title: color.dim('class') },
    { title: color.dim('free'), align: 'right' },
    { title: color.dim('UUID') },
    { title: color.dim('used by') },
  ] as const;
  return [table(columns, devices.map(deviceRow)), ...lines].join('\n');
}

function deviceRow(each: DeviceView): string[] {
  const memory = each.memoryBytes === null ? '–' : `${gib(each.freeBytes)} of ${gib(each.memoryBytes)} GiB`;
  return [each.index, each.name, memory, each.uuid.slice(0, 12), userOf(each)];
}

/** What keeps attempts from a device, else who has it. */
function userOf({ attemptId, setAside, problem, processes }: DeviceView): string {
  if (problem !== null) return `nobody: ${problem}`;
  if (attemptId !== null) return attemptId;
  if (setAside !== null) return 'nobody: set aside';
  if (processes.length === 0) return '–';
  return processes
    .map(({ pid, name, memoryBytes }) => {
      const held = memoryBytes === null ? '' : ` (${gib(memoryBytes)} GiB)`;
      return `${name ?? 'process'} ${pid}${held}`;
    })
    .join(', ');
}

function gib(bytes: number | null): string {
  return bytes === null ? '?' : (bytes / 2 ** 30).toFixed(1);
}

function classesText(classes: readonly GpuClassInventory[], { color }: Pick<Io, 'color'>): string {
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
  return table(
    columns,
    classes.map((each) => rowOf(each, priced)),
  );
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
