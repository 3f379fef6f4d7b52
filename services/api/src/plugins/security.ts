import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import underPressure from '@fastify/under-pressure';
import type { ApiDeps } from '../deps.ts';
import { ApiError } from '../errors.ts';
import type { Api } from '../instance.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A probe: whatever keeps the process alive asks it, under a pod's own address; its answer tells nothing else. */
    probe?: boolean;
  }
}

const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'];
const REQUESTS_PER_MINUTE = 6000;
/** An embedded database works in this process: a large submission may hold it for a second or two. */
const LONGEST_LOOP_DELAY_MS = 5000;

export async function security(app: Api, deps: ApiDeps): Promise<void> {
  const hosts = deps.allowedHosts === undefined ? LOOPBACK_HOSTS : deps.allowedHosts;

  app.addHook('onRequest', async (request) => {
    // A page elsewhere can point its own host name at 127.0.0.1; its requests then carry that name.
    const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
    const answered = hosts === null || hosts.includes(host) || request.routeOptions.config.probe === true;
    if (!answered) throw new ApiError('wrong-host', `'${host}' is not served here`);
    const site = request.headers['sec-fetch-site'];
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (!reads && (site === 'cross-site' || site === 'same-site')) throw new ApiError('cross-site');
  });

  await app.register(helmet, {
    // No TLS here: a browser told otherwise would find nothing.
    strictTransportSecurity: false,
    crossOriginOpenerPolicy: false,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'self'"],
        'style-src': ["'self'", "'unsafe-inline'"],
        'img-src': ["'self'", 'data:', 'blob:'],
        'font-src': ["'self'", 'data:'],
        'object-src': ["'none'"],
        'base-uri': ["'self'"],
        'form-action': ["'self'"],
        'frame-ancestors': ["'none'"],
      },
    },
  });
  await app.register(rateLimit, {
    max: deps.requestsPerMinute ?? REQUESTS_PER_MINUTE,
    timeWindow: 60_000,
    errorResponseBuilder: (_request, { after }) => new ApiError('too-many-requests', `try again in ${after}`),
  });
  await app.register(underPressure, {
    maxEventLoopDelay: LONGEST_LOOP_DELAY_MS,
    retryAfter: 10,
    customError: class extends ApiError {
      constructor() {
        super('overloaded', undefined, { headers: { 'retry-after': '10' } });
      }
    },
  });
}
