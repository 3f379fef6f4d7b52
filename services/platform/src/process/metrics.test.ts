import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { measureBlocked } from './metrics.ts';

const NAME = 'lamina_experiments_blocked';
const blocked = async () => [{ experimentId: 'e', blocked: {} }];
const away = () => Promise.reject(new Error('the store is away'));

async function scraped(listBlocked: typeof blocked, known: (() => number) | null): Promise<string | undefined> {
  const registry = new Registry();
  measureBlocked(registry, listBlocked, known);
  return new RegExp(`^${NAME} (.*)$`, 'm').exec(await registry.metrics())?.[1];
}

test('as many experiments are blocked as the store says; while it is away, as the process knows, or nothing is said', async () => {
  assert.equal(await scraped(blocked, () => 7), '1');
  assert.equal(await scraped(away, () => 7), '7');
  assert.equal(await scraped(away, null), undefined);
});
