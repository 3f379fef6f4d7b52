/** Every process of the attempt ended well, and there is a result: it counts, whatever else happened. */
import { EXIT_CODES } from '@lamina/domain/failures/registry.ts';
import { type Finding, finding, onNode } from '../finding.ts';
import type { AttemptView, PodView } from '../view.ts';
import { trainerCode } from './said.ts';

export function success({ pods, evidence }: AttemptView): Finding | null {
  const ended = pods.filter((pod) => trainerCode(pod) === EXIT_CODES.succeeded);
  const fromStore = pods.length === 0 && evidence.exit?.code === EXIT_CODES.succeeded;
  if (!fromStore && (ended.length === 0 || ended.length < pods.length)) return null;
  // Only one of several processes writes the result.
  const speaker = ended.find((pod) => pod.said?.resultSha256 != null) ?? ended[0] ?? null;
  const problem = problemOf(evidence, speaker);
  if (problem !== null) {
    return { ...finding('crashed', `The trainer ended as if all was well, but ${problem}.`), exitCode: 0 };
  }
  const status = evidence.result !== null && 'status' in evidence.result ? evidence.result.status : 'succeeded';
  const said = (speaker?.said ?? evidence.exit)?.message;
  const words = said || (status === 'diverged' ? 'Training diverged.' : 'Measured.');
  return { ...finding(status, words), exitCode: EXIT_CODES.succeeded };
}

function problemOf({ exit, result }: AttemptView['evidence'], pod: PodView | null): string | null {
  const announced = (pod?.said ?? exit)?.resultSha256 ?? null;
  if (result === null) return announced === null ? 'it announced no result' : null;
  if ('problem' in result) return `its result cannot be used: ${result.problem}`;
  if (announced !== null && result.sha256 !== null && announced !== result.sha256) {
    const where = pod === null ? '' : onNode(pod);
    return `result.json in the artifact store is not the one it wrote${where}: the digests differ`;
  }
  return null;
}
