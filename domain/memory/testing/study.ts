/** "Does Llama 3 8B fit?": the rows of the guide's table, from the settings of examples/llama3-8b-study.yaml. */

import { parseEstimateDocument } from '../../matrix/estimate.ts';
import { expandMatrix } from '../../matrix/expand.ts';
import { gpuCounts, memorySettings } from '../from-settings.ts';
import type { ModelShape } from '../shape.ts';
import type { FitRow } from './tables.ts';

const ROWS = [
  { name: 'full, bf16', precision: 'bf16', method: 'full', mixedPrecision: 'none' },
  { name: 'full, fp32 with fp16 autocast', precision: 'fp32', method: 'full', mixedPrecision: 'fp16' },
  { name: 'LoRA over fp16', precision: 'fp16', method: 'lora', mixedPrecision: 'fp16' },
  { name: 'QLoRA over int8', precision: 'int8', method: 'qlora', mixedPrecision: 'fp16' },
  { name: 'QLoRA over nf4', precision: 'nf4', method: 'qlora', mixedPrecision: 'fp16' },
] as const;

/** `study` is the text of the document. Full training takes its batch, lengths and steps; weights change in their own dtype. */
export function studyRows(study: string, shape: ModelShape): readonly FitRow[] {
  const parsed = parseEstimateDocument(study);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return ROWS.map(({ name, precision, method, mixedPrecision }) => {
    const { document } = parsed;
    const full = method === 'full';
    const changed = {
      ...document,
      matrix: {
        ...document.matrix,
        layers: [{ strategy: 'all' as const }],
        precision: [precision],
        method: [method],
        seed: [1],
      },
      training: { ...document.training, mixedPrecision },
      quantization: full ? { ...document.quantization, computeDtype: 'auto' as const } : document.quantization,
    };
    const { trials } = expandMatrix(changed, {
      trainerRevision: '',
      device: null,
      layersOf: () => shape.layers,
      gpus: null,
    });
    const [trial] = trials;
    if (trial === undefined) throw new Error(`${name} is no valid cell`);
    const settings = memorySettings(trial.settings, shape, document.estimate, 'lamina');
    return { name, settings, counts: gpuCounts(trial.settings) };
  });
}
