import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import pLimit from 'p-limit';
import { clientOfServer, quiet } from '../client/testing/server.ts';
import { jobName } from '../manifests/job.ts';
import { sampleLaunch } from '../manifests/testing/launch.ts';
import { AdmissionRetries } from './admission-retries.ts';

const REASON: PendingReason = { kind: 'unschedulable', text: 'no quota' };

test('the Job of an attempt that is stopped while it is offered is deleted', async (t) => {
  const deleted = Promise.withResolvers<string>();
  const client = await clientOfServer(t, ({ method, url }, response) => {
    deleted.resolve(`${method} ${url}`);
    response.end('{}');
  });
  const offered = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<null>();
  const retries = new AdmissionRetries({
    client,
    log: quiet,
    limit: pLimit(1),
    againMs: 1,
    async offer() {
      offered.resolve();
      return answer.promise;
    },
  });
  t.after(() => retries.close());
  const item = sampleLaunch();
  retries.add(item, REASON);
  await offered.promise;
  assert.equal(retries.remove(item.attemptId), true);
  answer.resolve(null);
  assert.match(await deleted.promise, new RegExp(`^DELETE .*/jobs/${jobName(item.attemptId)}`));
});

test('the first that is refused stands for those behind it, until it is taken', async (t) => {
  const client = await clientOfServer(t, (_, response) => response.end('{}'));
  const offers: string[] = [];
  const taken = Promise.withResolvers<void>();
  const retries = new AdmissionRetries({
    client,
    log: quiet,
    limit: pLimit(1),
    againMs: 1,
    async offer({ attemptId }) {
      offers.push(attemptId);
      if (offers.length === 1) return { ...REASON, text: 'still no quota' };
      if (offers.length === 2) assert.equal(retries.get('a')?.reason?.text, 'still no quota');
      if (attemptId === 'b') taken.resolve();
      return null;
    },
  });
  t.after(() => retries.close());
  const item = sampleLaunch();
  for (const attemptId of ['a', 'b']) retries.add({ ...item, attemptId }, REASON);
  await taken.promise;
  assert.deepEqual(offers, ['a', 'a', 'b']);
  assert.equal(retries.get('a'), null);
});
