/** Models and datasets as people write them. */
import { z } from 'zod';
import {
  type DataFormat,
  fileDataset,
  hfDataset,
  type ModelRef,
  modelRef,
  recordFields,
} from '../contract/settings.ts';
import { type DocumentDataset, generatedDataset } from './generated.ts';
import { shorthand } from './input.ts';
import { encodeProblem } from './problems.ts';

const HUB_ID = /^[\w.-]+(\/[\w.-]+)?$/;
const NOT_A_HUB_ID = encodeProblem({
  message: 'is not the id of a repository on the hub',
  fix: 'write "owner/name"; a folder starts with "./" or "/"',
});

function hubId(reference: ModelRef | DocumentDataset): boolean {
  return reference.source !== 'hf' || HUB_ID.test(reference.id);
}

const text = { type: 'string', minLength: 1 } as const;

/** A model's config.json alone is enough for `lamina estimate`, which takes it out before; nothing can be run with it. */
const CONFIG_ONLY = encodeProblem({
  message: 'is config: a config.json has no weights to train, it is for lamina estimate alone',
  fix: 'write hf, path or gguf, or run lamina estimate',
});

const runnable = z.discriminatedUnion('source', modelRef.options, {
  error: ({ input }) => ((input as { source?: unknown } | null)?.source === 'config' ? CONFIG_ONLY : undefined),
});

/** The shape of records that is not named follows from the first one. */
const fields = recordFields.nullable().default(null);
const readable = z.discriminatedUnion('source', [
  fileDataset.extend({ fields }),
  hfDataset.extend({ fields }),
  generatedDataset,
]);

/** A model: "owner/name" on the hub, a folder ("./models/x"), a .gguf file, or the same spelled out. */
export const modelInput = shorthand(
  runnable.refine(hubId, { path: ['id'], error: NOT_A_HUB_ID }),
  (input) => {
    if (typeof input !== 'string') return input;
    if (/\.gguf$/i.test(input)) return { source: 'gguf', path: input };
    if (/^(\.{0,2}\/|~)/.test(input)) return { source: 'path', path: input };
    return { source: 'hf', id: input };
  },
  {
    name: 'a model',
    fix: 'write "owner/name", a folder such as "./models/x", or a .gguf file',
    accepts: [text],
  },
);

/** A dataset: files, "owner/name" on the hub, or the same spelled out. */
export const datasetInput = shorthand(
  readable.refine(hubId, { path: ['id'], error: NOT_A_HUB_ID }),
  (input) => {
    if (typeof input !== 'string') return withFormat(input);
    return namesFiles(input) ? withFormat({ source: 'file', path: input }) : { source: 'hf', id: input };
  },
  {
    name: 'a dataset',
    fix: 'write a file, a folder such as "./data", or "owner/name" on the hub',
    accepts: [text],
  },
);

/** A file's format follows from its name where it is not given. */
function withFormat(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || !('path' in input) || 'format' in input) return input;
  const format = typeof input.path === 'string' ? formatOf(input.path) : null;
  return format === null ? input : { ...input, format };
}

/** Whether a text can only mean files: it leads somewhere, is a pattern, or ends like a file. */
function namesFiles(input: string): boolean {
  return /^(\.{0,2}\/|~|\.\.?$)|[*?[\\]/.test(input) || formatOf(input) !== null || OTHER_FILES.test(input);
}

/** Files that no repository is called like, and that no trainer reads. */
const OTHER_FILES =
  /\.(xlsx?|ods|zip|tar|tgz|7z|rar|pdf|docx?|html?|xml|ya?ml|db|sqlite3?|pkl|npy|npz|avro|orc|gguf|safetensors)$/i;

const FORMATS: Readonly<Record<string, DataFormat>> = {
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'json',
  csv: 'csv',
  tsv: 'tsv',
  parquet: 'parquet',
  pq: 'parquet',
  arrow: 'arrow',
  feather: 'arrow',
  txt: 'text',
  md: 'text',
};

/** A file's format by its name, compressed or not; null where that does not tell. The trainer has the same table (`data/sources.py`). */
export function formatOf(path: string): DataFormat | null {
  const [, ending = ''] = /\.([^./]+)$/.exec(path.replace(/\.(gz|zst|zstd|bz2|xz)$/i, '')) ?? [];
  return FORMATS[ending.toLowerCase()] ?? null;
}
