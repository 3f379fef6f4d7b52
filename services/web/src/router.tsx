import type { QueryClient } from '@tanstack/react-query';
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { comparisonQuery, experimentQuery, experimentsQuery, gpusQuery, trialsQuery } from './api/queries.ts';
import { Layout } from './pages/layout.tsx';
import { Empty } from './ui/messages.tsx';

const root = createRootRouteWithContext<{ client: QueryClient }>()({
  component: Layout,
  notFoundComponent: () => (
    <Empty title="There is no such page">
      <p>Perhaps the address was cut.</p>
    </Empty>
  ),
});

// Loaders start the queries while the page's code is still on its way; nothing waits for them.
const experiments = createRoute({
  getParentRoute: () => root,
  path: '/',
  loader: ({ context: { client } }) => {
    void client.prefetchInfiniteQuery(experimentsQuery({ name: '', state: '' }));
  },
  component: lazyRouteComponent(() => import('./pages/experiments.tsx')),
});

const experiment = createRoute({
  getParentRoute: () => root,
  path: '/experiments/$experimentId',
  validateSearch: (search: Record<string, unknown>): { trial?: string } =>
    typeof search['trial'] === 'string' ? { trial: search['trial'] } : {},
  loader: ({ context: { client }, params: { experimentId } }) => {
    void client.prefetchQuery(experimentQuery(experimentId));
    void client.prefetchQuery(trialsQuery(experimentId));
    void client.prefetchQuery(comparisonQuery(experimentId));
  },
  component: lazyRouteComponent(() => import('./pages/experiment.tsx')),
});

const gpus = createRoute({
  getParentRoute: () => root,
  path: '/gpus',
  loader: ({ context: { client } }) => {
    void client.prefetchQuery(gpusQuery());
  },
  component: lazyRouteComponent(() => import('./pages/gpus.tsx')),
});

const routeTree = root.addChildren([experiments, experiment, gpus]);

export function dashboardRouter(client: QueryClient) {
  return createRouter({ routeTree, context: { client }, defaultPreload: 'intent', scrollRestoration: true });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof dashboardRouter>;
  }
}
