import sseModule, { type SSEPluginOptions } from '@fastify/sse';
import staticFiles from '@fastify/static';
import { createShapes } from '@lamina/platform/application/submission/shapes.ts';
import { createSubmissions } from '@lamina/platform/application/submission/submissions.ts';
import { measureBlocked } from '@lamina/platform/process/metrics.ts';
import fastify, { type FastifyBaseLogger, type FastifyPluginAsync, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { ApiDeps } from './deps.ts';
import { createForecaster } from './forecast/forecaster.ts';
import type { Api } from './instance.ts';
import { notFound } from './plugins/not-found.ts';
import { openapi } from './plugins/openapi.ts';
import { security } from './plugins/security.ts';
import { sendProblem } from './problems.ts';
import { actionRoutes } from './routes/actions.ts';
import { attemptEventRoutes, eventIntakeRoute } from './routes/attempt-events.ts';
import { comparisonRoutes } from './routes/comparison.ts';
import { estimateRoutes } from './routes/estimates.ts';
import { experimentEventRoutes } from './routes/experiment-events.ts';
import { experimentRoutes } from './routes/experiments.ts';
import { forecastRoutes } from './routes/forecast.ts';
import { gpuRoutes } from './routes/gpus.ts';
import { healthRoutes } from './routes/health.ts';
import { logRoutes } from './routes/logs.ts';
import { preparationRoutes } from './routes/preparation.ts';
import { searchRoutes } from './routes/search.ts';
import { trialRoutes } from './routes/trials.ts';
import { createStarter } from './starter.ts';
import { createStreams } from './streams.ts';

export type { ApiDeps } from './deps.ts';

/** Its types describe an ES module; what CommonJS exports is the plugin itself. */
const sse = sseModule as unknown as FastifyPluginAsync<SSEPluginOptions>;
const BODY_LIMIT = 2 * 1024 * 1024;
const HEARTBEAT_MS = 15_000;

/** The API, not listening yet. Closing it ends open streams first; what it was given stays open. */
export async function buildApp(deps: ApiDeps): Promise<Api> {
  const app: Api = fastify({
    loggerInstance: deps.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: sendProblem,
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 300, ignoreTrailingSlash: true },
    genReqId: () => crypto.randomUUID(),
    // Keep-alive connections of a dashboard would hold up the end of the process.
    forceCloseConnections: 'idle',
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(sendProblem);
  bodies(app);

  const streams = createStreams(deps.metrics);
  const starter = createStarter(deps);
  app.addHook('preClose', async () => {
    starter.close();
    streams.closeAll();
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    const labels = { method: request.method, route, status: String(reply.statusCode) };
    deps.metrics.requestSeconds.observe(labels, reply.elapsedTime / 1000);
  });

  notFound(app, { dashboard: deps.webRoot !== null });
  await security(app, deps);
  await app.register(sse, { heartbeatInterval: HEARTBEAT_MS });
  await openapi(app);
  measureBlocked(deps.metrics.registry, () => deps.store.listBlocked(), null);
  healthRoutes(app, deps);
  const shapes = createShapes(deps.defaults.hubCache);
  const context = {
    ...deps,
    streams,
    starter,
    shapes,
    submissions: createSubmissions(deps, shapes),
    forecaster: createForecaster(deps),
  };
  await app.register(
    async (v1: Api) => {
      experimentRoutes(v1, context);
      estimateRoutes(v1, context);
      forecastRoutes(v1, context);
      gpuRoutes(v1, context);
      actionRoutes(v1, context);
      trialRoutes(v1, context);
      searchRoutes(v1, context);
      preparationRoutes(v1, context);
      eventIntakeRoute(v1, context);
      attemptEventRoutes(v1, context);
      logRoutes(v1, context);
      experimentEventRoutes(v1, context);
      comparisonRoutes(v1, context);
    },
    { prefix: '/v1' },
  );
  if (deps.webRoot !== null) {
    await app.register(staticFiles, {
      root: deps.webRoot,
      index: 'index.html',
      preCompressed: true,
      setHeaders(reply, path) {
        // Their names hold a hash of their content.
        if (path.includes('/assets/')) void reply.header('cache-control', 'public, max-age=31536000, immutable');
      },
    });
  }
  return app;
}

/** JSON, where an empty body is none, and YAML, which becomes the document of a submission. */
function bodies(app: Api): void {
  app.removeContentTypeParser(['text/plain', 'application/json']);
  const json = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void json(request, body as string, done);
  });
  const yaml = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml'];
  app.addContentTypeParser(yaml, { parseAs: 'string' }, (_request, body, done) => done(null, { document: body }));
}
