import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnoseLog } from './diagnose-log.ts';
import { concludedBy, EXIT_CODES, FAILURE_CLASSES, FAILURES } from './registry.ts';
import { FAILURE_CASES } from './testing/cases.ts';

test('every class has its cases, and every case its class', () => {
  assert.deepEqual(Object.keys(FAILURE_CASES).sort(), [...FAILURE_CLASSES].sort());
});

for (const failureClass of FAILURE_CLASSES) {
  const { exit, lines } = FAILURE_CASES[failureClass];

  test(`${failureClass} has the exit code ${exit}`, () => {
    assert.equal(FAILURES[failureClass].exit?.code ?? null, exit);
  });

  for (const line of lines) {
    test(`${failureClass}: ${line}`, () => {
      const found = diagnoseLog(['step 12', line, 'Aborted (core dumped)']);
      assert.deepEqual(found, failureClass === 'crashed' ? null : { failureClass, line });
    });
  }

  test(`${failureClass}: the cause follows its words, and each of its signs alone is diagnosed as it`, () => {
    const { signs = [], words } = FAILURES[failureClass];
    assert.match(words, /[^.:]$/);
    for (const sign of signs) {
      if (typeof sign === 'string') assert.equal(diagnoseLog([sign])?.failureClass, failureClass, sign);
      else
        assert.ok(
          lines.some((line) => sign.pattern.test(line)),
          sign.name,
        );
    }
  });
}

test("exit codes are unique, and the trainer's own settle the class", () => {
  const codes = Object.values(EXIT_CODES);
  assert.equal(new Set(codes).size, codes.length);
  assert.deepEqual([0, 1, 75].map(concludedBy), [null, null, null], 'these leave it to what else is known');
  for (const failureClass of FAILURE_CLASSES) {
    const { exit } = FAILURE_CASES[failureClass];
    if (exit !== null && ![1, 75].includes(exit)) assert.equal(concludedBy(exit), failureClass);
  }
});

test('a broken GPU refuses allocations too: its fault is the cause', () => {
  const log = ['CUDA out of memory.', 'MemoryError', 'uncorrectable ECC error encountered'];
  assert.equal(diagnoseLog(log)?.failureClass, 'gpu-fault');
  assert.equal(diagnoseLog(log.slice(0, 2))?.failureClass, 'gpu-out-of-memory');
});
