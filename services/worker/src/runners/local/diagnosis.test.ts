import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttemptEnd } from '@lamina/domain/contract/runner.ts';
import { diagnose, type Evidence } from './diagnosis.ts';

const nothing: Evidence = {
  status: null,
  exit: null,
  result: { problem: 'there is no result.json' },
  stop: null,
  deadlineSeconds: 60,
  memoryKills: false,
  logTail: '',
};
const ended = (code: number) => ({ code, signal: null });
const killed = (signal: string) => ({ code: null, signal });
const said = (code: number, message: string, subject: 'model' | 'dataset' | null = null) => ({
  code,
  reason: 'crashed',
  message,
  resumable: false,
  resultSha256: null,
  subject,
});

const table: readonly (readonly [string, Partial<Evidence>, AttemptEnd['outcome'], RegExp])[] = [
  ['0 with a result', { status: ended(0), result: { status: 'succeeded' } }, 'succeeded', /Measured/],
  ['0 with a diverged result', { status: ended(0), result: { status: 'diverged' } }, 'diverged', /diverged/],
  ['0 without a result', { status: ended(0) }, 'crashed', /without a valid result: there is no result.json/],
  ['0 with a broken result', { status: ended(0), result: { problem: 'trialId: wrong' } }, 'crashed', /trialId: wrong/],
  [
    'a result, but code 1',
    { status: ended(1), result: { status: 'succeeded' }, logTail: 'a\nValueError: x\n' },
    'crashed',
    /^ValueError: x \(code 1\)$/,
  ],
  ['64', { status: ended(64), exit: said(64, 'no column "text"') }, 'invalid', /^no column "text"$/],
  ['65', { status: ended(65) }, 'gpu-out-of-memory', /code 65/],
  ['66', { status: ended(66), logTail: 'MemoryError\n' }, 'host-out-of-memory', /MemoryError/],
  ['67', { status: ended(67) }, 'gpu-fault', /code 67/],
  ['75', { status: ended(75), exit: said(75, 'checkpoint at step 4') }, 'disrupted', /checkpoint at step 4/],
  [
    '1 with CUDA memory in the log',
    { status: ended(1), logTail: 'CUDA out of memory. Tried' },
    'gpu-out-of-memory',
    /CUDA/,
  ],
  ['1 with a MemoryError in the log', { status: ended(1), logTail: 'x\nMemoryError' }, 'host-out-of-memory', /Memory/],
  ['1 and nothing said', { status: ended(1) }, 'crashed', /^The trainer ended with code 1\.$/],
  ['127', { status: ended(127), logTail: 'sh: python: not found' }, 'crashed', /not found \(code 127\)/],
  [
    'SIGKILL while the kernel killed for memory',
    { status: killed('SIGKILL'), memoryKills: true },
    'host-out-of-memory',
    /memory/,
  ],
  [
    'SIGKILL where the kernel does not say',
    { status: killed('SIGKILL'), memoryKills: null },
    'host-out-of-memory',
    /memory/,
  ],
  ['SIGKILL by somebody', { status: killed('SIGKILL'), memoryKills: false }, 'disrupted', /outside/],
  ['SIGTERM by somebody', { status: killed('SIGTERM') }, 'disrupted', /SIGTERM/],
  ['SIGSEGV', { status: killed('SIGSEGV'), logTail: 'Fatal\n' }, 'crashed', /SIGSEGV; last line of the log: Fatal/],
  ['its deadline, by SIGKILL', { status: killed('SIGKILL'), stop: 'deadline' }, 'timed-out', /deadline of 60 s/],
  ['its deadline, with a checkpoint', { status: ended(75), stop: 'deadline' }, 'timed-out', /60 s/],
  [
    'its deadline, but it was done',
    { status: ended(0), stop: 'deadline', result: { status: 'succeeded' } },
    'succeeded',
    /./,
  ],
  ['a requested stop', { status: ended(75), stop: 'requested' }, 'disrupted', /on request/],
  [
    'a requested stop, by SIGKILL',
    { status: killed('SIGKILL'), stop: 'requested', memoryKills: null },
    'disrupted',
    /request/,
  ],
  ['the service stopping', { status: ended(75), stop: 'shutdown' }, 'disrupted', /with the service/],
  ['gone without a status', {}, 'disrupted', /left no status/],
  [
    'gone, but the trainer said 0 and left a result',
    { exit: said(0, ''), result: { status: 'succeeded' } },
    'succeeded',
    /./,
  ],
  ['gone, but the trainer said 64', { exit: said(64, 'bad') }, 'invalid', /^bad$/],
  ['gone at its deadline', { stop: 'deadline' }, 'timed-out', /deadline/],
];

for (const [name, evidence, outcome, message] of table) {
  test(`an attempt that ends with ${name} is ${outcome}`, () => {
    const finding = diagnose({ ...nothing, ...evidence });
    assert.equal(finding.outcome, outcome);
    assert.match(finding.message, message);
  });
}

test('what is at fault for all trials that share it is told of invalid ends only', () => {
  const subjectOf = (evidence: Partial<Evidence>) => diagnose({ ...nothing, ...evidence }).subject;
  assert.equal(subjectOf({ status: ended(64), exit: said(64, 'line 3 is not JSON', 'dataset') }), 'dataset');
  assert.equal(subjectOf({ exit: said(64, 'a pointer', 'model') }), 'model');
  assert.equal(subjectOf({ status: ended(64), exit: said(64, 'bad') }), undefined);
  assert.equal(subjectOf({ status: ended(1), exit: said(1, 'crash', 'model') }), undefined);
});

test('a very long last line is cut, so that a message stays a message', () => {
  const { message } = diagnose({ ...nothing, status: ended(1), logTail: 'x'.repeat(10_000) });
  assert.ok(message.length < 500);
});
