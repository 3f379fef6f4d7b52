/** A crash whose last words name a cause that Lamina treats in its own way. */
import type { FailureClass } from '@lamina/domain/contract/runner.ts';
import { finding, onNode, type PodRule, quote, sentence } from '../finding.ts';
import { logOf } from './said.ts';

/** Xids after which the GPU needs a reset or a replacement; others (13, 31, 43, 45) are mostly the program's fault. */
const FATAL_XID = /\bXid\b[^\n]*?\b(48|61|62|64|74|79|92|94|95|109|119|120|136|140|143|154)\b/;

const SIGNS: readonly (readonly [RegExp, FailureClass, string])[] = [
  [FATAL_XID, 'gpu-fault', 'The GPU reported a fault (Xid)'],
  [
    /uncorrectable (?:ECC|NVLink)|fallen off the bus|GPU is lost|device (?:is )?lost|unspecified launch failure|Hardware stack error/i,
    'gpu-fault',
    'The GPU failed',
  ],
  [
    /CUDA out of memory|torch\.(?:cuda\.)?OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED|cudaErrorMemoryAllocation/i,
    'gpu-out-of-memory',
    "The GPU's memory was not enough",
  ],
  [
    /\bMemoryError\b|can't allocate memory|Cannot allocate memory|std::bad_alloc/,
    'host-out-of-memory',
    "The host's memory was not enough",
  ],
];

export const logSign: PodRule = (pod) => {
  const log = `${logOf(pod)}\n${pod.said?.message ?? ''}`;
  for (const [pattern, outcome, words] of SIGNS) {
    const line = log.split('\n').find((one) => pattern.test(one));
    if (line !== undefined) return finding(outcome, `${words}${onNode(pod)}: ${sentence(quote(line))}`);
  }
  return null;
};
