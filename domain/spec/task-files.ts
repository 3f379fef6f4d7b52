/** What the server must know of a task file: which files of data it names. The trainer reads the rest. */
import { parseDocument as parseYaml } from 'yaml';

type Found = { readonly names: readonly string[] } | { readonly message: string; readonly fix: string };

const EXAMPLE = 'write dataset_path: json and dataset_kwargs: { data_files: { test: quiz.jsonl } }';

/** Names of data files in a task file's text, each once, as they stand there. */
export function taskDataFiles(text: string): Found {
  const parsed = parseYaml(text);
  const [error] = parsed.errors;
  if (error !== undefined) return { message: `is not YAML: ${error.message.split('\n')[0]}`, fix: 'correct the file' };
  if (parsed.warnings.some(({ code }) => code === 'TAG_RESOLVE_FAILED'))
    return { message: 'has a tag such as !function, which is not supported', fix: 'use a metric of the harness' };
  const config: unknown = parsed.toJS();
  if (typeof config !== 'object' || config === null || !('task' in config) || typeof config.task !== 'string')
    return { message: 'is not a task file: it names no task', fix: 'write task: and a name' };
  const kwargs = 'dataset_kwargs' in config ? config.dataset_kwargs : null;
  const files = typeof kwargs === 'object' && kwargs !== null && 'data_files' in kwargs ? kwargs.data_files : null;
  if (!('dataset_path' in config) || config.dataset_path !== 'json' || typeof files !== 'object' || files === null)
    return { message: 'has no local data: trials load nothing from a network', fix: EXAMPLE };
  const names = Object.values(files).flat();
  if (names.length === 0 || !names.every((name) => typeof name === 'string' && name !== ''))
    return { message: 'names data files that are no paths', fix: EXAMPLE };
  return { names: [...new Set(names as string[])] };
}
