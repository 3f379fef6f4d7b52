/** How far the published rows of each kind are from their estimates. */
import { KINDS, type Kind, kindOf } from '../overhead.ts';
import { type Margins, type Predicted, residualOf, spreadOf } from '../spread.ts';
import { publishedErrors } from './errors.ts';

export interface JudgedRow {
  readonly id: string;
  readonly source: string;
  readonly kind: Kind;
  readonly predicted: Predicted;
  readonly measuredBytes: number;
}

/** Rows of the outer counters, which decide whether a run fits; `died`: those that ran out of memory instead. */
export function judgedRows({ died = false } = {}): readonly JudgedRow[] {
  return publishedErrors().flatMap(({ publication, estimatedBytes, uncertain }): JudgedRow[] => {
    const { id, source, settings, measuredBytes, counter, when, notJudged } = publication;
    const wanted = died ? id.endsWith('-oom') : notJudged === null && counter !== 'allocated' && when === 'peak';
    return wanted
      ? [{ id, source, kind: kindOf(settings), predicted: { bytes: estimatedBytes, uncertain }, measuredBytes }]
      : [];
  });
}

export function spreadsOf(rows: readonly JudgedRow[]): Margins {
  return Object.fromEntries(
    KINDS.map((kind) => {
      const bySource = Map.groupBy(
        rows.filter((row) => row.kind === kind),
        ({ source }) => source,
      );
      const residuals = [...bySource.values()].map((own) =>
        own.map(({ predicted, measuredBytes }) => residualOf(measuredBytes, predicted)),
      );
      return [kind, spreadOf(residuals)];
    }),
  ) as Margins;
}
