/** Both runners diagnose alike what the trainer's end alone tells: its exit code, a signal, and the last words of a crash. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrialExit } from '@lamina/domain/contract/trial.ts';
import { FAILURE_CLASSES, FAILURES } from '@lamina/domain/failures/registry.ts';
import { FAILURE_CASES } from '@lamina/domain/failures/testing/cases.ts';
import { diagnose as inCluster } from '@lamina/k8s/diagnosis/diagnose.ts';
import { ended, said, words } from '@lamina/k8s/diagnosis/testing/built.ts';
import { diagnose as onThisMachine } from '@lamina/worker/runners/local/diagnosis.ts';

const SIGNALS = {
  SIGHUP: [1, 'disrupted'],
  SIGINT: [2, 'disrupted'],
  SIGILL: [4, 'crashed'],
  SIGABRT: [6, 'crashed'],
  SIGBUS: [7, 'crashed'],
  SIGFPE: [8, 'crashed'],
  SIGKILL: [9, 'disrupted'],
  SIGSEGV: [11, 'crashed'],
  SIGTERM: [15, 'disrupted'],
} as const;
const ABORTED = 128 + SIGNALS.SIGABRT[0];

function local(status: { code: number | null; signal: string | null }, logTail: string, exit: TrialExit | null = null) {
  return onThisMachine({
    status,
    exit,
    result: { problem: 'there is no result.json' },
    stop: null,
    deadlineSeconds: null,
    memoryKills: false,
    logTail,
  });
}

for (const [signal, [number, failureClass]] of Object.entries(SIGNALS)) {
  test(`ended by ${signal} is ${failureClass}`, () => {
    assert.equal(inCluster(ended(128 + number, ''))?.outcome, failureClass);
    assert.equal(local({ code: null, signal }, '').outcome, failureClass);
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
      assert.equal(inCluster(ended(ABORTED, log))?.outcome, failureClass, 'in a cluster, by a signal');
      assert.equal(local({ code: 1, signal: null }, log).outcome, failureClass, 'on this machine');
      assert.equal(local({ code: null, signal: 'SIGABRT' }, log).outcome, failureClass, 'on this machine, by a signal');
      if (failureClass === 'crashed') return;
      const exit = said(1, `${FAILURES[failureClass].words}: ${line}`);
      assert.equal(inCluster(ended(1, words(exit)))?.outcome, failureClass, 'in a cluster, by exit.json');
      assert.equal(inCluster(ended(1, words(exit)))?.message.startsWith(exit.message), true);
      const { outcome, message } = local({ code: 1, signal: null }, '', exit);
      assert.deepEqual([outcome, message], [failureClass, exit.message], 'on this machine, by exit.json');
      const cluster = inCluster(ended(1, log))?.message.replace(' on node gpu-1', '').replace(/\.$/, '');
      assert.equal(cluster, local({ code: 1, signal: null }, log).message.replace(/\.$/, ''), 'in the same words');
    });
  }
}
