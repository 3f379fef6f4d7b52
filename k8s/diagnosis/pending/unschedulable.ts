/** The scheduler's message in words that say what is missing. */
import type { PendingReason } from '@lamina/domain/contract/pending.ts';
import { quote, reason } from '../finding.ts';
import { memoryWords, resourceWords } from '../quantity.ts';
import type { PodView } from '../view.ts';

export function unschedulable(pod: PodView): PendingReason | null {
  const scheduled = pod.conditions.find((one) => one.type === 'PodScheduled' && one.status === 'False');
  if (scheduled === undefined) return null;
  if (scheduled.reason === 'SchedulingGated') {
    return reason('queued', 'A controller of the cluster holds the trial back (a scheduling gate).');
  }
  const claim = /persistentvolumeclaim "([^"]+)" not found/.exec(scheduled.message)?.[1];
  if (claim !== undefined) {
    return reason(
      'misconfigured',
      `The volume claim "${claim}" does not exist in the namespace; create it, or correct its name in the cluster settings.`,
    );
  }
  if (/unbound immediate PersistentVolumeClaims/.test(scheduled.message)) {
    return reason(
      'misconfigured',
      'A volume claim of the trial has no volume yet: nothing in the cluster provides one of its class and size.',
    );
  }
  return reason('unschedulable', digest(scheduled.message, pod.requests));
}

const NODES = /^(\d+)\/(\d+) nodes are available: (.*)$/s;
const TERM = /^(\d+) (.+)$/;

/** e.g. "No node takes the trial: of 3 nodes, 2 have not enough GPUs free, 1 is cordoned." */
export function digest(message: string, requests: Requests = {}): string {
  if (/^no nodes available/i.test(message)) return 'The cluster has no nodes.';
  const counts = NODES.exec(message);
  if (counts === null) {
    return message === '' ? 'No node has been chosen yet.' : `No node takes the trial: ${quote(message)}`;
  }
  const [, , total, rest = ''] = counts;
  const terms = (rest.split(/\.\s+(?:preemption:|no new claims|$)/)[0] ?? '')
    .replace(/\.$/, '')
    .split(/, (?=\d+ )/)
    .map((term) => term.replace(/, no new claims.*$/s, ''));
  const phrases = terms.map((term) => phrase(term, Number(total), requests)).filter((one) => one !== '');
  return `No node takes the trial: of ${total} node${total === '1' ? '' : 's'}, ${phrases.join(', ')}.`;
}

type Requests = Readonly<Record<string, string>>;
type Phrase = (many: boolean, detail: string, requests: Requests) => string;

const PHRASES: readonly (readonly [RegExp, Phrase])[] = [
  [
    /^Insufficient (\S+)/,
    (many, what, requests) => `${many ? 'have' : 'has'} not enough ${resourceWords(what)} free${asked(what, requests)}`,
  ],
  [/^Too many pods/, (many) => `${many ? 'have' : 'has'} as many pods as allowed`],
  [/were unschedulable/, (many) => `${many ? 'are' : 'is'} cordoned (closed for new work)`],
  [
    /untolerated taint(?:\(s\))?(?: \{([^}:]+))?/,
    (many, taint) => {
      const kept = `${many ? 'are' : 'is'} kept for other work`;
      return TAINTS[taint]?.(many) ?? (taint === '' ? `${kept} or not ready (taints)` : `${kept} (taint ${taint})`);
    },
  ],
  [
    /didn't match Pod's node affinity\/selector/,
    (many) => `${many ? 'are' : 'is'} of another kind than asked for, or excluded after a fault`,
  ],
  [
    /volume node affinity conflict/,
    (many) => `cannot reach the trial's volume from where ${many ? 'they are' : 'it is'}`,
  ],
  [/exceed max volume count/, (many) => `${many ? 'have' : 'has'} no room for another volume`],
  [/free ports/, (many) => `${many ? 'have' : 'has'} a needed port in use`],
  [/topology spread|anti-affinity|affinity rules/, (many) => `${many ? 'are' : 'is'} ruled out by placement rules`],
];

const TAINTS: Readonly<Record<string, (many: boolean) => string>> = {
  'node.kubernetes.io/not-ready': (many) => `${many ? 'are' : 'is'} not ready`,
  'node.kubernetes.io/unreachable': (many) => `${many ? 'do' : 'does'} not answer`,
  'node.kubernetes.io/unschedulable': (many) => `${many ? 'are' : 'is'} cordoned (closed for new work)`,
  'node.kubernetes.io/disk-pressure': (many) => `${many ? 'are' : 'is'} short of disk`,
  'node.kubernetes.io/memory-pressure': (many) => `${many ? 'are' : 'is'} short of memory`,
  'node.kubernetes.io/pid-pressure': (many) => `${many ? 'are' : 'is'} short of process numbers`,
  'node-role.kubernetes.io/control-plane': (many) => `${many ? 'are' : 'is'} for the control plane only`,
};

function asked(resource: string, requests: Requests): string {
  const amount = requests[resource];
  if (typeof amount !== 'string') return '';
  return ` (${resource === 'memory' ? memoryWords(amount) : amount} asked for)`;
}

function phrase(term: string, total: number, requests: Requests): string {
  const parts = TERM.exec(term.trim());
  if (parts === null) return quote(term);
  const [, count = '', words = ''] = parts;
  for (const [pattern, say] of PHRASES) {
    const match = pattern.exec(words);
    if (match === null) continue;
    const who = total > 1 && Number(count) === total ? `all ${count}` : count;
    return `${who} ${say(count !== '1', (match[1] ?? '').trim(), requests)}`;
  }
  return `${count} ${quote(words.replace('node(s) ', ''))}`;
}
