/** What a model's files on this machine say of it, before anything is loaded. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ModelShape, readShape } from '@lamina/domain/memory/shape.ts';
import { z } from 'zod';

/** Layout of huggingface_hub: models--owner--name/{refs/<revision>, snapshots/<commit>/config.json}. */
export async function cachedConfig({ id, revision }: { id: string; revision: string }, cache: string): Promise<Config> {
  const folder = join(cache, `models--${id.replaceAll('/', '--')}`);
  if (!/^[\w./-]+$/.test(revision) || revision.includes('..')) return 'missing';
  const commit = await readFile(join(folder, 'refs', revision), 'utf8').catch(() => revision);
  return readConfig(join(folder, 'snapshots', commit.trim(), 'config.json'));
}

export type Config = Readonly<Record<string, unknown>> | 'missing' | 'broken';

export async function readConfig(path: string): Promise<Config> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return 'missing';
  try {
    const read = z.record(z.string(), z.unknown()).safeParse(JSON.parse(text));
    return read.success ? read.data : 'broken';
  } catch {
    return 'broken';
  }
}

export function shapeOf(config: Readonly<Record<string, unknown>>): ModelShape | null {
  const read = readShape(config);
  return read.ok ? read.shape : null;
}

/** How the weights are quantized on disk; null where they are not. */
export function checkpointOf(config: Readonly<Record<string, unknown>>): string | null {
  const found = z.looseObject({ quant_method: z.string().default('unknown') }).safeParse(config['quantization_config']);
  return found.success ? found.data.quant_method : null;
}

/** Models with several parts keep the decoder's depth in `text_config`. */
export function depthOf(config: Readonly<Record<string, unknown>>): number | null {
  const text = z.record(z.string(), z.unknown()).safeParse(config['text_config']);
  return (
    count(config['num_hidden_layers']) ??
    count(config['n_layer']) ??
    (text.success ? count(text.data['num_hidden_layers']) : null)
  );
}

function count(value: unknown): number | null {
  const number = typeof value === 'bigint' ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number > 0 ? number : null;
}
