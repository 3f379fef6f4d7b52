/** Kueue's words for why a Workload waits, in those of the person who submitted the trial. */
import { holds, type Workload } from './workload.ts';

export interface Explanation {
  /** False: no time brings its turn, a person has to act. */
  readonly waits: boolean;
  readonly sentence: string;
}

export function explain(workload: Workload): Explanation {
  if (!workload.spec.active) return acts('its Workload has been deactivated; activate it, or delete the Job.');
  if (holds(workload, 'Admitted') !== null) return waits('it is admitted, and about to start.');
  if (holds(workload, 'QuotaReserved') !== null) return waits(openChecks(workload));
  const { requeueState, conditions } = workload.status;
  const evicted = holds(workload, 'Evicted');
  const before = evicted === null ? '' : `Kueue took its place away (${unpunctuated(evicted.message)}); `;
  if (requeueState?.requeueAt) return waits(`${before}it queues up again at ${requeueState.requeueAt}.`);
  const message = conditions.find(({ type }) => type === 'QuotaReserved')?.message ?? '';
  const { sentence, ...rest } = translated(message);
  return { ...rest, sentence: `${before}${sentence}` };
}

const TRANSLATIONS: readonly (readonly [RegExp, (match: RegExpExecArray) => Explanation])[] = [
  [
    /^LocalQueue (\S+) doesn't exist/,
    ([, name]) =>
      acts(`the LocalQueue "${name}" does not exist; create it, or correct "queue" in the cluster settings.`),
  ],
  [
    /^(ClusterQueue|LocalQueue) (\S+) (is inactive|is stopped|doesn't exist)/,
    ([, kind, name, state]) => acts(`the ${kind} ${name} ${state}; an administrator of Kueue can change that.`),
  ],
  [
    /insufficient quota for (\S+) in flavor [^,]+, previously considered podsets requests \(\S+\) \+ current podset request \(([^)]+)\) > maximum capacity \(([^)]+)\)/,
    ([, resource, wanted, most]) =>
      acts(
        `it asks for ${wanted} ${resource}, and the queue may use ${most} at most; ask for less, or raise the quota.`,
      ),
  ],
  [
    /insufficient unused quota for (\S+) in flavor [^,]+, (\S+) more needed/,
    ([, resource, missing]) => waits(`${missing} more ${resource} have to become free in its quota.`),
  ],
];

function translated(message: string): Explanation {
  if (message === '') return waits('its turn has not come.');
  for (const [pattern, words] of TRANSLATIONS) {
    const match = pattern.exec(message);
    // With several flavors each has its own sentence, and only Kueue's says which is which.
    if (match !== null && message.split(' in flavor ').length <= 2) return words(match);
  }
  return waits(`${unpunctuated(message)}.`);
}

function openChecks(workload: Workload): string {
  const open = workload.status.admissionChecks.filter(({ state }) => state !== 'Ready');
  if (open.length === 0) return 'its quota is reserved, and admission follows.';
  const each = open.map(({ name, message }) => (message === '' ? name : `${name} (${unpunctuated(message)})`));
  return `its quota is reserved, and these admission checks are open: ${each.join(', ')}.`;
}

function waits(sentence: string): Explanation {
  return { waits: true, sentence };
}

function acts(sentence: string): Explanation {
  return { waits: false, sentence };
}

function unpunctuated(text: string): string {
  return text.trim().replace(/[.;]$/, '');
}
