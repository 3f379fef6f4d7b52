import { evaluationKey, loss } from '../measures/measures.ts';
import type { Delta } from './estimates.ts';
import { type CellGroup, type MeasuredTrial, pairsBySeed } from './input.ts';
import { pairedDifference } from './statistics.ts';

/**
 * Held-out loss of a cell minus that of the baseline, paired by seed. Pairs that scored different held-out tokens
 * (two tokenizers, say) are not comparable and are left out. The baseline against itself is 0 and is not tested.
 */
export function lossDelta(group: CellGroup, baseline: CellGroup | null): Delta {
  const delta = pairedLosses(group.measured, baseline?.measured ?? []);
  return group.cell.id === baseline?.cell.id ? { ...delta, p: null } : delta;
}

function pairedLosses(measured: readonly MeasuredTrial[], reference: readonly MeasuredTrial[]): Delta {
  const references = new Map(reference.map((trial) => [trial.seed, trial]));
  const comparable = measured.filter((trial) => {
    const other = references.get(trial.seed);
    return other !== undefined && evaluationKey(other) === evaluationKey(trial);
  });
  return pairedDifference(pairsBySeed(comparable, reference, loss).map(([value, other]) => value - other));
}
