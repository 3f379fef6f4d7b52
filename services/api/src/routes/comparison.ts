import { readFile } from 'node:fs/promises';
import { toCsv } from '@lamina/domain/results/render-csv.ts';
import { toMarkdown } from '@lamina/domain/results/render-markdown.ts';
import { MATRIX } from '@lamina/domain/results/tables/matrix.ts';
import { TABLE_IDS } from '@lamina/domain/results/tables/registry.ts';
import type { Comparison } from '@lamina/domain/results/types.ts';
import type { Shapes } from '@lamina/platform/application/submission/shapes.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Comparisons, createComparisons } from '../comparisons.ts';
import type { ApiDeps } from '../deps.ts';
import { ApiError } from '../errors.ts';
import type { Api } from '../instance.ts';
import { preferred } from '../negotiation.ts';
import { fillReport, REPORT_POLICY } from '../report.ts';
import { byId, findExperiment } from './lookups.ts';

const FORMATS = {
  json: 'application/json',
  csv: 'text/csv',
  md: 'text/markdown',
  html: 'text/html',
} as const;
type Format = keyof typeof FORMATS;

const comparisonQuery = z.object({
  download: z.stringbool().default(false).describe('answer as an attachment'),
  maxMemoryBytes: z.coerce.number().int().positive().optional().describe('limit for the recommended cell'),
  maxCost: z.coerce.number().positive().optional().describe('limit for the recommended cell'),
  table: z.enum(TABLE_IDS).default(MATRIX.id).describe('which table CSV holds; other formats hold all'),
});

export function comparisonRoutes(app: Api, deps: ApiDeps & { shapes: Shapes }): void {
  const comparisons = createComparisons(deps.store, deps.shapes);
  const schema = {
    params: byId,
    querystring: comparisonQuery,
    tags: ['comparison'],
    response: { 200: z.unknown().describe('the comparison; see domain/results/types.ts for its fields') },
  };
  const serve = (format: (request: FastifyRequest) => Format) =>
    async function answer(
      request: FastifyRequest<{ Params: z.infer<typeof byId>; Querystring: z.infer<typeof comparisonQuery> }>,
      reply: FastifyReply,
    ) {
      return send(
        deps,
        comparisons,
        { ...request.query, id: request.params.id, format: format(request) },
        request,
        reply,
      );
    };

  app.get(
    '/experiments/:id/comparison',
    { schema: { ...schema, summary: 'The comparison, as JSON, CSV, Markdown or HTML by Accept' } },
    serve((request) => {
      const type = preferred(request.headers.accept, Object.values(FORMATS));
      const found = Object.entries(FORMATS).find(([, media]) => media === type);
      if (found === undefined) {
        throw new ApiError('not-acceptable', `a comparison comes as ${Object.values(FORMATS).join(', ')}`);
      }
      return found[0] as Format;
    }),
  );
  for (const [format, type] of Object.entries(FORMATS)) {
    app.get(
      `/experiments/:id/comparison.${format}`,
      { schema: { ...schema, summary: `The comparison as ${type}`, produces: [type] } },
      serve(() => format as Format),
    );
  }
}

async function send(
  deps: ApiDeps,
  comparisons: Comparisons,
  wanted: z.infer<typeof comparisonQuery> & { id: string; format: Format },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { format, id, table } = wanted;
  const experiment = await findExperiment(deps.store, id);
  const limits = { maxMemoryBytes: wanted.maxMemoryBytes ?? null, maxCost: wanted.maxCost ?? null };
  const etag = `"${experiment.version}-${format}-${limits.maxMemoryBytes ?? ''}-${limits.maxCost ?? ''}-${table}"`;
  reply.header('etag', etag).header('cache-control', 'no-cache').header('vary', 'accept');
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  const comparison = await comparisons.of(experiment, limits);
  const text = await rendered(comparison, wanted, deps);
  if (format === 'html') reply.header('content-security-policy', REPORT_POLICY);
  const name = format === 'csv' && table !== MATRIX.id ? `comparison-${id}-${table}` : `comparison-${id}`;
  if (wanted.download) reply.header('content-disposition', `attachment; filename="${name}.${format}"`);
  return reply.type(`${FORMATS[format]}; charset=utf-8`).send(text);
}

async function rendered(
  comparison: Comparison,
  { format, table }: { readonly format: Format; readonly table: string },
  { reportTemplate }: ApiDeps,
): Promise<string> {
  switch (format) {
    case 'json':
      return JSON.stringify(comparison);
    case 'csv':
      return toCsv(comparison, table);
    case 'md':
      return toMarkdown(comparison);
    case 'html': {
      const template = reportTemplate === null ? null : await readFile(reportTemplate, 'utf8').catch(() => null);
      if (template === null)
        throw new ApiError('not-acceptable', 'this server has no report page; it is built by npm run build:web');
      return fillReport(template, comparison);
    }
  }
}
