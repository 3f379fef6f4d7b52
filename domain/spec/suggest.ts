/** What other tools call our fields, without case and separators. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  epochs: 'steps',
  numtrainepochs: 'steps',
  maxsteps: 'steps',
  lr: 'learningRate',
  batchsize: 'microBatch',
  perdevicetrainbatchsize: 'microBatch',
  gradientaccumulationsteps: 'accumulation',
  maxseqlength: 'maxLength',
  lrschedulertype: 'schedule',
  optim: 'optimizer',
  gradientcheckpointing: 'checkpointing',
  savesteps: 'checkpointEvery',
  rank: 'r',
  loraalpha: 'alpha',
  targetmodules: 'targets',
  bnb4bitcomputedtype: 'computeDtype',
  bnb4bitusedoublequant: 'doubleQuant',
  axes: 'matrix',
  parallelism: 'maxParallel',
  timeout: 'trialDeadline',
};

/** The closest of the allowed words, if one is close enough to be a slip, or what it is called elsewhere. */
export function closest(word: string, allowed: readonly string[]): string | null {
  if (word.length > 64) return null;
  const meant = ELSEWHERE[word.toLowerCase().replace(/[\W_]/g, '')];
  if (meant !== undefined && allowed.includes(meant)) return meant;
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of allowed) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment distance). */
export function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        cost = Math.min(cost, (older[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    older = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}
