/** Whether messages find a template to be rendered by, as far as the server can see. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelRef } from '@lamina/domain/contract/settings.ts';
import type { DocumentDataset } from '@lamina/domain/spec/generated.ts';
import type { Issue } from '@lamina/domain/spec/parse.ts';
import type { Places } from './paths.ts';

/** Mistakes of model folders without a chat template, where records are messages and the document has none either. */
export async function templateIssues(
  dataset: DocumentDataset,
  models: readonly ModelRef[],
  places: Places,
): Promise<readonly Issue[]> {
  if (dataset.source === 'generated' || dataset.chatTemplate !== null) return [];
  if (dataset.fields === null || !('messages' in dataset.fields)) return [];
  const folders = models.flatMap((model) => (model.source === 'path' ? [places.absolute(model.path)] : []));
  const without = await Promise.all(folders.map(async (folder) => ((await lacksTemplate(folder)) ? [folder] : [])));
  return without.flat().map((folder) => ({
    path: 'dataset.chatTemplate',
    message: `${folder} has no chat template, which messages are rendered by`,
    fix: 'take the instruction-tuned version of the model, or write a Jinja template here',
  }));
}

/** A folder without a tokenizer's configuration says nothing: other checks, or the trainer, tell what is missing. */
async function lacksTemplate(folder: string): Promise<boolean> {
  for (const file of ['chat_template.jinja', 'chat_template.json'])
    if ((await textOf(join(folder, file))) !== null) return false;
  const config = await textOf(join(folder, 'tokenizer_config.json'));
  return config !== null && !config.includes('"chat_template"');
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
}
