import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PENDING_KINDS } from '@lamina/domain/contract/pending.ts';
import { verdict } from '@lamina/domain/run/protocol/verdict.ts';
import { POLICY } from '@lamina/domain/run/testing/failures.ts';
import { diagnose } from '../diagnose.ts';
import { event, evidence, job } from '../testing/built.ts';
import { CLASS_OF_WAIT } from './deadline.ts';

const LATE = { trialId: 't', attempt: 1, state: 'pending', end: null, silentMs: null } as const;

test("the trial's deadline and the deadline of its start call a wait alike", () => {
  for (const kind of PENDING_KINDS.filter((one) => one !== 'queued')) {
    const aliveMs = POLICY.startDeadlineSeconds * 1000 + 1;
    assert.equal(verdict({ ...LATE, reason: { kind, text: '' }, aliveMs }, POLICY), CLASS_OF_WAIT[kind], kind);
  }
});

function failedAtDeadline(refusal: string) {
  const conditions = [{ type: 'Failed', status: 'True', reason: 'DeadlineExceeded', message: 'too long' }];
  const late = job({ spec: { activeDeadlineSeconds: 3 }, status: { conditions } });
  return diagnose(evidence({ job: late, events: [event('Job', 'trial', 'FailedCreate', refusal)] }));
}

test('a trial whose pod was refused until its deadline says why', () => {
  const quota = failedAtDeadline(
    'Error creating: pods "x" is forbidden: exceeded quota: team, requested: pods=1, used: pods=9, limited: pods=9',
  );
  assert.equal(quota?.outcome, 'unschedulable');
  assert.match(quota?.message ?? '', /deadline of 3 s passed before it could start\. The namespace's quota "team"/);
  const account = failedAtDeadline('Error creating: pods "x" is forbidden: serviceaccount "trainer" not found');
  assert.equal(account?.outcome, 'invalid');
  assert.match(account?.message ?? '', /The service account "trainer" does not exist/);
});
