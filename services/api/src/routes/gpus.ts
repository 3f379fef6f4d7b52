import { gpuInventoryView } from '@lamina/domain/contract/gpus.ts';
import type { ApiDeps } from '../deps.ts';
import type { Api } from '../instance.ts';

export function gpuRoutes(app: Api, { store }: Pick<ApiDeps, 'store'>): void {
  app.get(
    '/gpus',
    {
      schema: {
        summary: 'GPUs that trials can run on',
        description: 'As a worker last saw them, every half a minute.',
        tags: ['operation'],
        response: { 200: gpuInventoryView },
      },
    },
    async () => {
      const inventory = await store.getGpuInventory();
      if (inventory !== null) return { ...inventory, classes: inventory.classes.map((each) => ({ ...each })) };
      const note = 'No worker has looked for GPUs yet.';
      return { source: 'none', at: new Date().toISOString(), classes: [], note };
    },
  );
}
