/** Only what trainers post, for an address that pods can reach: the API itself stays where it is. */
import fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { ApiDeps } from './deps.ts';
import { ApiError } from './errors.ts';
import type { Api } from './instance.ts';
import { sendProblem } from './problems.ts';
import { eventIntakeRoute } from './routes/attempt-events.ts';

const BODY_LIMIT = 2 * 1024 * 1024;

/** `POST /v1/attempts/:id/events` with the attempt's token; whatever else is asked for does not exist. */
export async function buildIntake(deps: Pick<ApiDeps, 'store' | 'secret' | 'metrics' | 'log'>): Promise<Api> {
  const app: Api = fastify({
    loggerInstance: deps.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: sendProblem,
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 300 },
    genReqId: () => crypto.randomUUID(),
    forceCloseConnections: 'idle',
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler((request, reply) => {
    sendProblem(new ApiError('route-not-found'), request, reply);
    return reply;
  });
  await app.register(async (v1: Api) => eventIntakeRoute(v1, deps), { prefix: '/v1' });
  return app;
}
