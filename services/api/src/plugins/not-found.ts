import type { FastifyReply, FastifyRequest } from 'fastify';
import createRouter, { type HTTPMethod } from 'find-my-way';
import { ApiError } from '../errors.ts';
import type { Api } from '../instance.ts';
import { sendProblem } from '../problems.ts';

/** Unknown addresses: 405 where another method would do, the dashboard for its own pages, else 404. */
export function notFound(app: Api, { dashboard }: { dashboard: boolean }): void {
  const router = createRouter({ ignoreTrailingSlash: true });
  const methods = new Set<HTTPMethod>();
  app.addHook('onRoute', ({ url, method }) => {
    if (url.includes('*')) return;
    for (const each of [method].flat() as HTTPMethod[]) {
      methods.add(each);
      if (!router.hasRoute(each, url)) router.on(each, url, () => undefined);
    }
  });

  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = [...methods].filter((method) => router.find(method, path) !== null);
    if (allowed.length > 0) {
      const headers = { allow: allowed.join(', ') };
      sendProblem(new ApiError('method-not-allowed', `${request.method} ${path}`, { headers }), request, reply);
      return reply;
    }
    const isPage = request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
    if (dashboard && isPage && !path.startsWith('/v1/')) return reply.sendFile('index.html');
    sendProblem(new ApiError('route-not-found', `${request.method} ${path}`), request, reply);
    return reply;
  });
}
