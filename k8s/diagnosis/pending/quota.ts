/** A ResourceQuota of the namespace that refuses a Job or a pod, in words for somebody who does not know Kubernetes. */
import { quote } from '../finding.ts';

const USED_UP = /exceeded quota: ([^,]+), requested: (.*?), used: (.*?), limited: (.*)$/;
const NOT_COUNTED = /status unknown for quota: ([^,]+)/;

/** `message`: the API server's, of a refused Job, or an event's, of a refused pod. */
export function quotaSentence(message: string): string {
  const fresh = NOT_COUNTED.exec(message)?.[1];
  if (fresh !== undefined) {
    return `The cluster has not counted yet what is in use of the namespace's quota "${fresh}", as just after it was made. The trial starts once it has.`;
  }
  const [, name, requested, used, limited] = USED_UP.exec(message) ?? [];
  if (name === undefined) return `A quota of the namespace refuses the trial: ${quote(message)}`;
  return `The namespace's quota "${name}" is used up: the trial asks for ${requested}, ${used} is in use, and the limit is ${limited}. It starts when others end, or with a higher quota.`;
}
