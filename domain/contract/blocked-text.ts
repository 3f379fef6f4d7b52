/** A blocked experiment in words, apart from its schema: a browser that loads zod breaks the page's own policy on scripts. */
import type { BlockedView } from './blocked.ts';

/** For people: "its run cannot begin. Last error: …. It goes on by itself once the cause is gone." */
export function blockedReason({ sentence, lastError, retrying }: BlockedView): string {
  const next = retrying
    ? 'It goes on by itself once the cause is gone.'
    : 'It was given up; resume the experiment to try again.';
  return `${sentence}. Last error: ${lastError.replace(/[.\s]+$/, '')}. ${next}`;
}

/** The same with how long it has lasted, in front. @param when as people read it: "for 3m", "since 10:04" */
export function blockedText(blocked: BlockedView, when: string): string {
  return `blocked ${when}: ${blockedReason(blocked)}`;
}
