import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { copyFixture } from './fixture.ts';
import { TRAINER_FOLDER, trainerEnvironment, trainerPython } from './trainer.ts';

const SCRIPT = `
import sys
from pathlib import Path
from lamina_trainer.host.files import open_to_readers
from tiny import llama_config, save_model, save_texts
folder = Path(sys.argv[1])
save_model(folder / "model", llama_config(int(sys.argv[2])))
open_to_readers(folder / "model")
save_texts(folder / "texts.jsonl", int(sys.argv[3]))
`;

/** Writes a random model of a few thousand parameters (`model/`) and texts (`texts.jsonl`): real trials take seconds. */
export async function saveTinyModel(folder: string, { layers = 4, records = 60 } = {}): Promise<void> {
  const tests = join(TRAINER_FOLDER, 'tests');
  const parts = [trainerPython(), SCRIPT, String(layers), String(records), readFileSync(join(tests, 'tiny.py'))];
  await copyFixture('tiny-model', parts, folder, async (made) => {
    await promisify(execFile)(trainerPython(), ['-c', SCRIPT, made, String(layers), String(records)], {
      env: { ...trainerEnvironment(), PYTHONPATH: `${join(TRAINER_FOLDER, 'src')}:${tests}` },
    });
  });
}

export interface TinyDocument {
  readonly name: string;
  readonly steps: number;
  readonly seeds: readonly number[];
  readonly maxParallel: number;
  readonly layers?: readonly (number | 'all')[];
  readonly precisions?: readonly string[];
  readonly checkpointEvery?: number;
  readonly policy?: Readonly<Record<string, unknown>>;
}

/** An experiment on the tiny model; paths start from its folder. */
export function tinyDocument(options: TinyDocument): Record<string, unknown> {
  return {
    apiVersion: 'lamina/v1',
    name: options.name,
    model: './model',
    dataset: 'texts.jsonl',
    matrix: {
      layers: options.layers ?? ['all', 2],
      precision: options.precisions ?? ['fp32', 'nf4'],
      method: ['lora', 'qlora'],
      seed: options.seeds,
    },
    training: {
      steps: options.steps,
      microBatch: 1,
      maxLength: 16,
      learningRate: 1e-3,
      schedule: 'constant',
      checkpointEvery: options.checkpointEvery ?? null,
    },
    lora: { r: 4, alpha: 8 },
    evaluation: { fraction: 0.3, maxTokens: 128 },
    policy: { maxParallel: options.maxParallel, ...options.policy },
  };
}
