/** From one combination of a matrix to the settings that the trainer gets. */
import type { LayerChoice, ModelRef } from '../contract/settings.ts';
import { SETTING_PATHS } from '../spec/axes.ts';
import { type Choice } from '../spec/combinations.ts';
import type { ExperimentDocument } from '../spec/document.ts';
import { trialDataset } from '../spec/generated.ts';
import { plainest } from '../spec/layers.ts';
import { hasAdapters, hasMasterWeights, type Method } from '../vocabulary/methods.ts';
import { DOUBLE_QUANTIZED, type Precision } from '../vocabulary/precisions.ts';
import type { ExpansionContext } from './context.ts';
import type { CellSettings } from './identity.ts';

export function modelOf(document: ExperimentDocument, choice: Choice): ModelRef {
  const model = (choice.model as ModelRef | undefined) ?? document.model;
  if (model === null) throw new Error('the document names no model; it did not come from parseDocument');
  return model;
}

/** Everything but the seed. */
export function cellSettings(document: ExperimentDocument, choice: Choice, context: ExpansionContext): CellSettings {
  const model = modelOf(document, choice);
  const method = choice.method as Method;
  const quantization = { ...document.quantization, ...under('quantization', choice) };
  return {
    model,
    layers: plainest(choice.layers as LayerChoice, context.layersOf(model)),
    precision: storedAs(choice.precision as Precision, quantization.doubleQuant),
    computeDtype: quantization.computeDtype,
    method,
    dataset: trialDataset(document.dataset),
    training: training(document, choice),
    lora: hasAdapters(method) && document.lora !== null ? { ...document.lora, ...under('lora', choice) } : null,
    evaluation: { ...document.evaluation, ...under('evaluation', choice) },
    artifacts: document.artifacts,
    gpuClass: document.resources.gpuClass,
    gpus: document.resources.gpus ?? (context.device?.kind === 'cpu' ? 0 : 1),
  };
}

/** Master weights are named only where there are any: elsewhere the same trial would have two ids. */
function training(document: ExperimentDocument, choice: Choice): CellSettings['training'] {
  const given = { ...document.training, ...under('training', choice) };
  const meant = hasMasterWeights(choice.method as Method, choice.precision as Precision);
  return meant ? given : { ...given, masterWeights: 'none' };
}

export function storedAs(precision: Precision, doubleQuant: boolean | null): Precision {
  return doubleQuant === true ? (DOUBLE_QUANTIZED.get(precision) ?? precision) : precision;
}

/** The settings of one section that the axes decide. */
function under(section: string, choice: Choice): Record<string, never> {
  const prefix = `${section}.`;
  return Object.fromEntries(
    SETTING_PATHS.flatMap((path) =>
      path.startsWith(prefix) && path in choice ? [[path.slice(prefix.length), choice[path] as never]] : [],
    ),
  );
}
