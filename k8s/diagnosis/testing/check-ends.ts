import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttemptEvidence } from '../../evidence.ts';
import { diagnose } from '../diagnose.ts';

/** Name, what is known, class, and what the user is told. */
export type Ends = readonly (readonly [string, AttemptEvidence, string, string])[];

export function checkEnds(ends: Ends): void {
  for (const [name, given, outcome, message] of ends) {
    test(`${name}: ${outcome}`, () => {
      const end = diagnose(given);
      assert.equal(end?.message, message);
      assert.equal(end?.outcome, outcome);
    });
  }
}
