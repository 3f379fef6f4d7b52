import { studiesOf } from '@lamina/domain/search/studies.ts';
import type { NewPreparation } from '../ports/preparation-store.ts';
import type { PlannedExperiment } from '../ports/records.ts';
import type { Prepared } from './prepare.ts';

/** What is stored of a submission: its trials, or where its dataset is to be generated first, that they are to come. */
export function toStore(
  prepared: Prepared,
  { id, reuse }: { id: string; reuse: boolean },
): PlannedExperiment & { readonly preparation: NewPreparation | null } {
  const { generation, document, policy } = prepared;
  if (generation === null) return { ...plannedOf(prepared, id), preparation: null };
  const { spec, specHash, plan, done } = generation;
  const preparation = { spec, specHash, plan, done, reuse };
  if (done !== null) return { ...plannedOf(prepared, id), preparation };
  return { document, policy, trials: [], dropped: [], baselineCellId: null, plans: {}, preparation };
}

export function plannedOf({ document, policy, expansion, plans }: Prepared, experimentId: string): PlannedExperiment {
  const { trials, dropped, baselineCellId } = expansion;
  const studies = studiesOf(document, expansion, experimentId);
  return { document, policy, trials, dropped, baselineCellId, plans, studies };
}
