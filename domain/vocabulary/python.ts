/** The closed lists as types for the trainer. */
import { METHODS } from './methods.ts';
import { PRECISIONS } from './precisions.ts';
import { COMPUTE_DTYPES, LR_SCHEDULES, OPTIMIZERS } from './training.ts';

const LISTS: Readonly<Record<string, readonly string[]>> = {
  Method: METHODS,
  Precision: PRECISIONS,
  ComputeDtype: COMPUTE_DTYPES,
  Optimizer: OPTIMIZERS,
  LrSchedule: LR_SCHEDULES,
};

/** A Python module with a `Literal` for each list, formatted as ruff formats it. */
export function pythonVocabulary(): string {
  const types = Object.entries(LISTS).map(
    ([name, words]) => `${name} = Literal[\n${words.map((word) => `    "${word}",\n`).join('')}]\n`,
  );
  return `"""Closed lists of the documents. Generated from domain/vocabulary by \`npm run generate\`: change them there."""

from typing import Literal

${types.join('')}`;
}
