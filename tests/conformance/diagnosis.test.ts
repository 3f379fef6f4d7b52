/** Both runners diagnose alike what the trainer's end alone tells: its exit code, and the last words of a crash. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAILURE_CLASSES } from '@lamina/domain/failures/registry.ts';
import { FAILURE_CASES } from '@lamina/domain/failures/testing/cases.ts';
import { diagnose as inCluster } from '@lamina/k8s/diagnosis/diagnose.ts';
import { ended } from '@lamina/k8s/diagnosis/testing/built.ts';
import { diagnose as onThisMachine } from '@lamina/worker/runners/local/diagnosis.ts';

const SIGABRT = { code: 134, signal: 'SIGABRT' };

function local(status: { code: number | null; signal: string | null }, logTail: string) {
  return onThisMachine({
    status,
    exit: null,
    result: { problem: 'there is no result.json' },
    stop: null,
    deadlineSeconds: null,
    memoryKills: false,
    logTail,
  });
}

for (const failureClass of FAILURE_CLASSES) {
  const { exit, lines } = FAILURE_CASES[failureClass];
  if (exit !== null) {
    test(`code ${exit} is ${failureClass}`, () => {
      assert.equal(inCluster(ended(exit, ''))?.outcome, failureClass);
      assert.equal(local({ code: exit, signal: null }, '').outcome, failureClass);
    });
  }
  for (const line of lines) {
    test(`${failureClass}: ${line}`, () => {
      const log = `step 12\n${line}\nterminated\n`;
      assert.equal(inCluster(ended(1, log))?.outcome, failureClass, 'in a cluster');
      assert.equal(inCluster(ended(SIGABRT.code, log))?.outcome, failureClass, 'in a cluster, by a signal');
      assert.equal(local({ code: 1, signal: null }, log).outcome, failureClass, 'on this machine');
      assert.equal(
        local({ code: null, signal: SIGABRT.signal }, log).outcome,
        failureClass,
        'on this machine, by a signal',
      );
      if (failureClass === 'crashed') return;
      const cluster = inCluster(ended(1, log))?.message.replace(' on node gpu-1', '').replace(/\.$/, '');
      assert.equal(cluster, local({ code: 1, signal: null }, log).message.replace(/\.$/, ''), 'in the same words');
    });
  }
}
