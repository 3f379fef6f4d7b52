import { type SetAside } from '@lamina/domain/contract/devices.ts';
import { type GpuInventory, gpuInventoryView } from '@lamina/domain/contract/gpus.ts';
import { isSetAside } from '@lamina/domain/devices/set-aside.ts';
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import { ApiError } from '../errors.ts';
import type { Api } from '../instance.ts';

export function gpuRoutes(app: Api, { store }: Pick<ApiDeps, 'store'>): void {
  async function inventory(): Promise<z.infer<typeof gpuInventoryView>> {
    const [found, setAside] = await Promise.all([store.getGpuInventory(), store.devicesSetAside()]);
    if (found !== null) return viewOf(found, setAside);
    const note = 'No worker has looked for GPUs yet.';
    return { source: 'none', at: new Date().toISOString(), classes: [], note };
  }

  app.get(
    '/gpus',
    {
      schema: {
        summary: 'GPUs that trials can run on',
        description: 'As a worker last saw them, every half a minute; which are set aside, as it is now.',
        tags: ['operation'],
        response: { 200: gpuInventoryView },
      },
    },
    inventory,
  );

  app.post(
    '/gpus/:device/take-back',
    {
      schema: {
        summary: 'Take back a GPU that was set aside',
        description: 'It gets attempts again, and its faults are forgotten. Only for the GPUs of one machine.',
        tags: ['operation'],
        params: z.object({ device: z.string().min(1).max(200).describe('its UUID') }),
        response: { 200: gpuInventoryView },
      },
    },
    async ({ params: { device } }) => {
      if (!(await store.takeDeviceBack(device))) {
        throw new ApiError('device-not-set-aside', `no GPU ${device} is set aside`);
      }
      return inventory();
    },
  );
}

function viewOf(inventory: GpuInventory, setAside: readonly SetAside[]): z.infer<typeof gpuInventoryView> {
  const { devices, ...rest } = inventory;
  const classes = inventory.classes.map((each) => ({ ...each }));
  if (devices === undefined) return { ...rest, classes };
  const now = Date.now();
  const aside = new Map(setAside.filter((each) => isSetAside(each, now)).map((each) => [each.device, each]));
  return {
    ...rest,
    classes,
    devices: devices.map((each) => ({ ...each, setAside: aside.get(each.uuid) ?? null })),
  };
}
