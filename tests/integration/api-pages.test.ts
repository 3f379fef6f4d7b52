import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { newExperimentId } from '@lamina/platform/application/ids.ts';
import { testApi } from '../support/api.ts';
import { newExperiment, plannedTrials } from '../support/planned.ts';

let web: string;
let api: Awaited<ReturnType<typeof testApi>>;
before(async () => {
  web = await mkdtemp(join(tmpdir(), 'lamina-web-'));
  await writeFile(join(web, 'index.html'), '<!doctype html><title>dashboard</title>');
  await writeFile(join(web, 'app.js'), 'export {};');
  const place = '<script id="lamina-comparison" type="application/json"></script>';
  await writeFile(join(web, 'report.html'), `<!doctype html>${place}<script>1</script>`);
  api = await testApi({ webRoot: web, reportTemplate: join(web, 'report.html') });
});
after(async () => {
  await api.close();
  await rm(web, { recursive: true, force: true });
});

const page = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('the description of the API', () => {
  test('is OpenAPI 3.1, names every route, and can be browsed', async () => {
    const { openapi, paths, components } = (await api.app.inject('/openapi.json')).json();
    assert.match(openapi, /^3\.1\./);
    assert.deepEqual(Object.keys(paths).toSorted(), [
      '/healthz',
      '/readyz',
      '/v1/attempts/{id}',
      '/v1/attempts/{id}/events',
      '/v1/attempts/{id}/logs',
      '/v1/estimates',
      '/v1/experiments',
      '/v1/experiments/preview',
      '/v1/experiments/{id}',
      '/v1/experiments/{id}/attempts',
      '/v1/experiments/{id}/cancel',
      '/v1/experiments/{id}/comparison',
      '/v1/experiments/{id}/comparison.csv',
      '/v1/experiments/{id}/comparison.html',
      '/v1/experiments/{id}/comparison.json',
      '/v1/experiments/{id}/comparison.md',
      '/v1/experiments/{id}/events',
      '/v1/experiments/{id}/extend',
      '/v1/experiments/{id}/pause',
      '/v1/experiments/{id}/preparation',
      '/v1/experiments/{id}/resume',
      '/v1/experiments/{id}/retry',
      '/v1/experiments/{id}/search',
      '/v1/experiments/{id}/trials',
      '/v1/experiments/{id}/trials/{trialId}',
      '/v1/experiments/{id}/trials/{trialId}/logs',
      '/v1/forecast/accuracy',
      '/v1/gpus',
      '/v1/gpus/{device}/take-back',
    ]);
    for (const [path, methods] of Object.entries<Record<string, { summary?: string }>>(paths)) {
      for (const [method, { summary }] of Object.entries(methods)) assert.ok(summary, `${method} ${path}`);
    }
    assert.ok(components.securitySchemes.attemptToken);
    const listQuery = paths['/v1/experiments'].get.parameters as { name: string; schema: { maximum?: number } }[];
    assert.equal(listQuery.find(({ name }) => name === 'limit')?.schema.maximum, 1000);
    const docs = await api.app.inject({ url: '/docs/', headers: page });
    assert.equal(docs.statusCode, 200);
    assert.match(docs.body, /swagger/i);
  });
});

describe('the dashboard', () => {
  test('is served with its own pages, under a policy that forbids foreign scripts', async () => {
    for (const url of ['/', '/experiments/e-some/trials']) {
      const response = await api.app.inject({ url, headers: page });
      assert.equal(response.statusCode, 200, url);
      assert.match(response.body, /dashboard/);
    }
    const { headers } = await api.app.inject('/app.js');
    assert.match(String(headers['content-type']), /javascript/);
    assert.match(String(headers['content-security-policy']), /default-src 'self'/);
    assert.doesNotMatch(String(headers['content-security-policy']), /script-src|unsafe-eval|upgrade-insecure/);
    assert.equal((await api.app.inject('/missing.js')).statusCode, 404);
    assert.equal((await api.app.inject({ url: '/v1/missing', headers: page })).statusCode, 404);
  });
});

describe('the report', () => {
  test('holds the comparison as data that cannot become markup', async () => {
    const id = newExperimentId();
    const name = 'a </script><script>alert(1)</script> $& name';
    await api.store.createExperiment(newExperiment(id, plannedTrials(1, 1, id), { name }), { reuse: true });
    const url = `/v1/experiments/${id}/comparison`;
    const response = await api.app.inject({ url, headers: page });
    assert.equal(response.statusCode, 200, response.body);
    assert.match(String(response.headers['content-type']), /^text\/html/);
    assert.match(String(response.headers['content-security-policy']), /sandbox allow-scripts/);
    assert.equal(response.body.match(/<script/g)?.length, 2);
    const data = /id="lamina-comparison"[^>]*>(.*?)<\/script>/s.exec(response.body)?.[1] ?? '';
    assert.equal(JSON.parse(data).name, name);
    const suffix = await api.app.inject(`${url}.html?download=true`);
    assert.match(String(suffix.headers['content-disposition']), /\.html"$/);
  });
});

describe('operation', () => {
  test('readiness says what is missing', async () => {
    assert.deepEqual((await api.app.inject('/readyz')).json(), {
      status: 'ok',
      checks: { database: 'ok', engine: 'ok' },
    });
    api.engine.away = true;
    const response = await api.app.inject('/readyz');
    assert.equal(response.statusCode, 503);
    assert.deepEqual(response.json().checks, { database: 'ok', engine: 'failed' });
    api.engine.away = false;
  });

  test('metrics count requests by route, not by address', async () => {
    await api.app.inject('/v1/experiments/e-one');
    await api.app.inject('/v1/experiments/e-two');
    const { body } = await api.app.inject('/metrics');
    assert.match(
      body,
      /lamina_http_request_seconds_count\{method="GET",route="\/v1\/experiments\/:id",status="404"\} 2/,
    );
  });
});
