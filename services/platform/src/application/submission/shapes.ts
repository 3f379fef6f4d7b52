import { stat } from 'node:fs/promises';
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
  /** What is wrong with the file, after its name; null where nothing is. */
  readonly problem: string | null;
}

/** Shapes of models whose files are on this machine. GGUF headers are kept: a vocabulary is in each. */
export interface Shapes {
  /** @throws where it is no GGUF file */
  header(path: string): Promise<GgufHeader>;
  /** A folder, a config.json, in the hub's cache, or a GGUF file; null where there is none, or of an unknown family. */
  of(model: ModelRef): Promise<ModelShape | null>;
  /** A model's config.json as it is; null where there is none here. */
  config(model: ModelRef): Promise<Readonly<Record<string, unknown>> | null>;
}

export function createShapes(hubCache: string | null): Shapes {
  const headers = new Map<string, Promise<GgufHeader>>();

  async function header(path: string): Promise<GgufHeader> {
    const { size, mtimeNs, ino } = await stat(path, { bigint: true });
    const key = `${path}\0${size}\0${mtimeNs}\0${ino}`;
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
        return header(model.path).then(
          ({ shape }) => shape,
          () => null,
        );
      }
      const config = await configAt(model, hubCache);
      return config === null ? null : shapeOf(config);
    },
    config: (model) => configAt(model, hubCache),
  };
}

async function configAt(model: ModelRef, hubCache: string | null): Promise<Readonly<Record<string, unknown>> | null> {
  if (model.source === 'gguf') return null;
  const config =
    model.source === 'path'
      ? await readConfig(model.path.endsWith('.json') ? model.path : join(model.path, 'config.json'))
      : hubCache === null
        ? 'missing'
        : await cachedConfig(model, hubCache);
  return typeof config === 'string' ? null : config;
}

async function readHeader(path: string): Promise<GgufHeader> {
  const { metadata, tensorInfos, tensorDataOffset } = await gguf(path, { allowLocalFile: true });
  const fields = new Map<string, unknown>(Object.entries(metadata));
  const layers = fields.get(`${String(fields.get('general.architecture'))}.block_count`);
  const depth = typeof layers === 'bigint' ? Number(layers) : layers;
  const names = tensorInfos.map(({ name }) => name);
  const { size } = await stat(path);
  const last = tensorInfos.reduce((end, { offset }) => Math.max(end, Number(offset)), 0);
  const begins = Number(tensorDataOffset) + last;
  const blocks = new Set(names.flatMap((name) => /^blk\.(\d+)\./.exec(name)?.[1] ?? [])).size;
  const known = typeof depth === 'number' && Number.isInteger(depth) && depth > 0 ? depth : null;
  return { layers: known, shape: ggufShape(fields, names), problem: problemOf() };

  function problemOf(): string | null {
    if (names.length > 0 && size <= begins) {
      return `is cut off: it has ${size} bytes, and its last tensor begins at byte ${begins}`;
    }
    // A file may hold layers that predict further tokens, which the count includes or not.
    if (known !== null && blocks > 0 && blocks < known) {
      return `says that it has ${known} layers, and holds ${blocks}`;
    }
    return null;
  }
}
