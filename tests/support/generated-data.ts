/** What a generation leaves behind, for attempts that follow a script instead of asking an endpoint. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GenerateRequest, GenerationReport, GenerationResult } from '@lamina/domain/contract/generation.ts';
import { CONTRACT_VERSION } from '@lamina/domain/contract/units.ts';

const RECORDS = Array.from({ length: 5 }, (_, index) => ({ prompt: `prompt ${index}`, completion: `answer ${index}` }));
const CONTENT = RECORDS.map((record) => `${JSON.stringify(record)}\n`).join('');

export async function writeGenerated({ trialId, attemptId, paths }: GenerateRequest): Promise<void> {
  const sha256 = createHash('sha256').update(CONTENT).digest('hex');
  const path = join(sha256, 'generated.jsonl');
  await mkdir(join(paths.datasets, sha256), { recursive: true });
  await writeFile(join(paths.datasets, path), CONTENT);
  const result: GenerationResult = {
    contract: CONTRACT_VERSION,
    kind: 'generation',
    trialId,
    attemptId,
    status: 'succeeded',
    dataset: { path, sha256, bytes: Buffer.byteLength(CONTENT), records: RECORDS.length },
    report: sampleReport(sha256),
  };
  await mkdir(paths.output, { recursive: true });
  await writeFile(join(paths.output, 'result.json'), JSON.stringify(result));
}

export function sampleReport(sha256: string): GenerationReport {
  return {
    specSha256: 'aa',
    dataSha256: sha256,
    data: `${sha256}.jsonl`,
    models: ['writer-1'],
    counts: { requests: 6, answers: 6, refused: 0, dropped: { nearDuplicate: 1 }, records: RECORDS.length },
    usage: { promptTokens: 60, completionTokens: 600, answersWithoutUsage: 0, unansweredSends: 0, cost: 0.00126 },
    contamination: {
      ngram: 13,
      maxShare: 0,
      scoredTexts: 0,
      heldOutRecords: 1,
      checked: 4,
      droppedByFiles: 0,
      droppedByHeldOut: 0,
      largestShareKept: 0,
    },
    refusals: [],
  };
}
