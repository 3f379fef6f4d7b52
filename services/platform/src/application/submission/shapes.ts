import { join } from 'node:path';
import { gguf } from '@huggingface/gguf';
import type { ModelRef } from '@lamina/domain/contract/settings.ts';
import { ggufShape } from '@lamina/domain/memory/gguf-shape.ts';
import type { ModelShape } from '@lamina/domain/memory/shape.ts';
import { cachedConfig, readConfig, shapeOf } from './model-config.ts';

export interface GgufHeader {
  /** Decoder layers; null where the header does not say. */
  readonly layers: number | null;
  /** Null for families that are not known. */
  readonly shape: ModelShape | null;
}

/** Shapes of models whose files are on this machine. GGUF headers are kept: a vocabulary is in each. */
export interface Shapes {
  /** @throws where it is no GGUF file */
  header(path: string, fingerprint: string): Promise<GgufHeader>;
  /** A folder, a config.json, in the hub's cache, or a GGUF file; null where there is none, or of an unknown family. */
  of(model: ModelRef): Promise<ModelShape | null>;
}

export function createShapes(hubCache: string | null): Shapes {
  const headers = new Map<string, Promise<GgufHeader>>();

  function header(path: string, key: string): Promise<GgufHeader> {
    const known = headers.get(key);
    if (known !== undefined) return known;
    const read = readHeader(path);
    read.catch(() => headers.delete(key));
    headers.set(key, read);
    return read;
  }

  return {
    header,
    async of(model) {
      if (model.source === 'gguf') {
        // Without a fingerprint the file may be another one tomorrow.
        const found = model.fingerprint === null ? readHeader(model.path) : header(model.path, model.fingerprint);
        return found.then(
          ({ shape }) => shape,
          () => null,
        );
      }
      if (model.source === 'hf') {
        const config = hubCache === null ? 'missing' : await cachedConfig(model, hubCache);
        return typeof config === 'string' ? null : shapeOf(config);
      }
      const config = await readConfig(model.path.endsWith('.json') ? model.path : join(model.path, 'config.json'));
      return typeof config === 'string' ? null : shapeOf(config);
    },
  };
}

async function readHeader(path: string): Promise<GgufHeader> {
  const { metadata, tensorInfos } = await gguf(path, { allowLocalFile: true });
  const fields = new Map<string, unknown>(Object.entries(metadata));
  const layers = fields.get(`${String(fields.get('general.architecture'))}.block_count`);
  const depth = typeof layers === 'bigint' ? Number(layers) : layers;
  return {
    layers: typeof depth === 'number' && Number.isInteger(depth) && depth > 0 ? depth : null,
    shape: ggufShape(
      fields,
      tensorInfos.map(({ name }) => name),
    ),
  };
}
