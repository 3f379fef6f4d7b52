import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { createJsonSchemaTransform } from 'fastify-type-provider-zod';
import type { Api } from '../instance.ts';

/** The description of the API at /openapi.json, and a page to browse it at /docs. */
export async function openapi(app: Api): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Lamina',
        version: '1',
        description: 'Which depth, at which precision, trained how? Errors are RFC 9457 problem documents.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: [
        { name: 'experiments', description: 'what users submit' },
        { name: 'trials', description: 'one cell of the matrix with one seed' },
        { name: 'attempts', description: 'executions of trials' },
        { name: 'comparison', description: 'the answer' },
        { name: 'operation', description: 'health of the service' },
      ],
      components: {
        securitySchemes: {
          attemptToken: { type: 'http', scheme: 'bearer', description: 'the token an attempt is started with' },
        },
      },
    },
    transform: createJsonSchemaTransform({ zodToJsonConfig: { target: 'draft-2020-12' } }),
  });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}
