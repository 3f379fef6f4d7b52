/** Model folders that are whole as far as headers tell, for tests. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

type Shapes = Readonly<Record<string, readonly number[]>>;

/** A safetensors file of these tensors, all bytes `fill`. */
export function safetensors(shapes: Shapes, fill = 0): Buffer {
  let end = 0;
  const header: Record<string, unknown> = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const begin = end;
    end += 4 * shape.reduce((product, size) => product * size, 1);
    // biome-ignore lint/style/useNamingConvention: the format's own
    header[name] = { dtype: 'F32', shape, data_offsets: [begin, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(end, fill)]);
}

/** Tensors of a decoder with these layers. */
export function decoder(layers: number, rows = 8): Shapes {
  const names = Array.from(
    { length: layers },
    (_, index) => [`model.layers.${index}.mlp.up_proj.weight`, [2, 2]] as const,
  );
  return { 'model.embed_tokens.weight': [rows, 2], ...Object.fromEntries(names), 'lm_head.weight': [rows, 2] };
}

/** A tokenizer of words; `added` come after them, and are special where their name is in angle brackets. */
export function tokenizer(entries: number, added: readonly string[] = []): string {
  const vocab = Object.fromEntries(Array.from({ length: entries }, (_, index) => [`w${index}`, index]));
  const further = added.map((content, index) => ({ id: entries + index, content, special: content.startsWith('<') }));
  // biome-ignore lint/style/useNamingConvention: the format's own
  return JSON.stringify({ model: { type: 'WordLevel', vocab }, added_tokens: further });
}

/** Writes a whole model folder; returns its path. Files that are given take the place of its own. */
export async function writeModel(
  folder: string,
  config: object,
  files: Readonly<Record<string, string | Buffer>> = {},
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const said = config as { readonly num_hidden_layers?: number; readonly vocab_size?: number };
  const whole = {
    'config.json': JSON.stringify(config),
    'tokenizer.json': tokenizer(4),
    'model.safetensors': safetensors(decoder(said.num_hidden_layers ?? 1, said.vocab_size ?? 8)),
    ...files,
  };
  for (const [name, content] of Object.entries(whole)) await writeFile(join(folder, name), content);
  return folder;
}
