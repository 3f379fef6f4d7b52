import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../errors.ts';
import type { Api } from '../instance.ts';
import { sendProblem } from '../problems.ts';

/** Unknown addresses: 405 where another method would do, the dashboard for its own pages, else 404. */
export function notFound(app: Api, { dashboard }: { dashboard: boolean }): void {
  const routes: { pattern: RegExp; methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    if (url.includes('*')) return;
    const pattern = url.replaceAll('.', String.raw`\.`).replaceAll(/:\w+/g, '[^/]+');
    routes.push({ pattern: new RegExp(`^${pattern}$`), methods: [method].flat() });
  });

  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods);
    if (allowed.length > 0 && !allowed.includes(request.method)) {
      const headers = { allow: [...new Set(allowed)].join(', ') };
      sendProblem(new ApiError('method-not-allowed', `${request.method} ${path}`, { headers }), request, reply);
      return reply;
    }
    const isPage = request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
    if (dashboard && isPage && !path.startsWith('/v1/')) return reply.sendFile('index.html');
    sendProblem(new ApiError('route-not-found', `${request.method} ${path}`), request, reply);
    return reply;
  });
}
