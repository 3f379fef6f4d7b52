import type { PlannedTrial } from '@lamina/domain/matrix/types.ts';
import type { Study } from '@lamina/domain/search/types.ts';

/** A study of the learning rate for each cell of these trials. */
export function studiesFor(
  trials: readonly PlannedTrial[],
  experimentId: string,
  more: Partial<Pick<Study, 'trials' | 'parallel'>> & Partial<Study['spec']> = {},
): readonly Study[] {
  const { trials: count = 4, parallel = 2, ...spec } = more;
  const cells = new Map(trials.map(({ cell }) => [cell.id, cell]));
  return [...cells.values()].map((cell) => ({
    key: cell.id,
    label: cell.label,
    cellIds: [cell.id],
    spec: {
      name: `${experimentId}/${cell.id}`,
      sampler: 'tpe',
      seed: 1,
      directions: ['minimize'],
      parameters: { 'training.learningRate': { kind: 'float', low: 1e-5, high: 1e-1, log: true, step: null } },
      pruner: null,
      ...spec,
    },
    objectives: ['loss'],
    trials: count,
    parallel,
  }));
}
