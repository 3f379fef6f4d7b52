/** A crash whose last words name a cause that Lamina treats in its own way. */
import { diagnoseLog } from '@lamina/domain/failures/diagnose-log.ts';
import { FAILURES } from '@lamina/domain/failures/registry.ts';
import { finding, onNode, type PodRule, quote, sentence } from '../finding.ts';
import { logOf, whereItRan } from './said.ts';

export const logSign: PodRule = (pod) => {
  const said = pod.said?.message ?? '';
  const found = diagnoseLog([...logOf(pod).split('\n'), ...said.split('\n')]);
  if (found === null) return null;
  const { words } = FAILURES[found.failureClass];
  // The trainer has named the cause in its own sentence.
  if (said.startsWith(words)) return finding(found.failureClass, `${sentence(quote(said))}${whereItRan(pod)}`);
  return finding(found.failureClass, `${words}${onNode(pod)}: ${sentence(quote(found.line))}`);
};
