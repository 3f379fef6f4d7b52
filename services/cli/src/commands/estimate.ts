import { join, resolve } from 'node:path';
import type { EstimateView, MemoryView } from '@lamina/domain/contract/estimate.ts';
import type { ModelRef } from '@lamina/domain/contract/settings.ts';
import {
  estimateDocument,
  type KnownShape,
  modelsOf,
  parseEstimateDocument,
  type Trainer,
} from '@lamina/domain/matrix/estimate.ts';
import { readShape } from '@lamina/domain/memory/shape.ts';
import { defineCommand, writeJson } from '../command.ts';
import { type DocumentFile, readDocument } from '../document.ts';
import { ProblemError, usageError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { planText } from '../format/plan.ts';
import { gpuBytesOf } from '../format/size.ts';
import { table } from '../format/table.ts';
import { counted, shortened, wrapped } from '../format/text.ts';
import type { Io } from '../io.ts';
import { documentOptions, fileOf } from './document-options.ts';
import { changesOf } from './submit.ts';

export const estimate = defineCommand({
  command: 'estimate [file]',
  describe:
    'say how much GPU memory each cell needs, and the smallest GPU it fits; needs no server, unless --cluster is given',
  builder: (options) =>
    documentOptions(options)
      .option('config', {
        type: 'string',
        requiresArg: true,
        describe: 'config.json of models that are not on this machine',
      })
      .option('gpus', {
        type: 'string',
        requiresArg: true,
        describe: 'memory of the GPUs to choose from, e.g. --gpus 24GiB,80GiB',
      })
      .option('cluster', {
        type: 'boolean',
        conflicts: ['gpus', 'config'],
        describe: 'ask the server: its GPUs, with margins from trials that were measured on them',
      })
      .option('terms', { type: 'boolean', default: false, describe: 'show what the memory is made of' }),
  run: async ({ file, f, set, seeds, config, gpus, cluster, terms }, { io, client, json }) => {
    const source = await readDocument(io, fileOf(file, f), changesOf(set, seeds));
    const view = cluster ? await client.estimate(source) : await estimated(source, { io, config, gpus });
    if (json) writeJson(io, view);
    else io.out(estimateText(view, io, terms || view.cells.length === 1));
    return view.cells.some(({ memory }) => memory !== null) ? EXIT_CODES.ok : EXIT_CODES.refused;
  },
});

type Given = { readonly io: Io; readonly config: string | undefined; readonly gpus: string | undefined };

/** Without a server. */
async function estimated(source: DocumentFile, { io, config, gpus }: Given): Promise<EstimateView> {
  const parsed = parseEstimateDocument(source.document);
  if (!parsed.ok) throw invalid(parsed.issues);
  const { document, configs } = parsed;
  const shapes = new Map<string, KnownShape>();
  for (const model of modelsOf(document)) {
    const trainer = model.source === 'path' && configs.includes(model.path) ? 'transformers' : 'lamina';
    shapes.set(JSON.stringify(model), await shapeOf(model, trainer, { io, base: source.baseDirectory, config }));
  }
  const sizes = gpus === undefined ? document.estimate.gpus : gpus.split(',').map(gpuBytesOf);
  return estimateDocument(
    { ...document, estimate: { ...document.estimate, gpus: sizes } },
    { shapeOf: (model) => shapes.get(JSON.stringify(model)) ?? { shape: null, message: 'is not known' } },
  );
}

type Places = { readonly io: Io; readonly base: string; readonly config: string | undefined };

/** From the model's config.json, or from `--config` where there is none. */
async function shapeOf(model: ModelRef, trainer: Trainer, { io, base, config }: Places): Promise<KnownShape> {
  const own = model.source === 'path' ? resolve(base, model.path) : null;
  const named = config === undefined ? null : resolve(io.cwd, config);
  const files = [...(own === null ? [] : [own, join(own, 'config.json')]), ...(named === null ? [] : [named])];
  for (const path of files) {
    const text = await io.read(path).catch(() => null);
    if (text === null) continue;
    const read = readShape(parsedJson(text));
    if (!read.ok) return { shape: null, message: `${path} ${read.message}` };
    return { shape: read.shape, trainer };
  }
  if (own !== null) throw usageError(`${own} cannot be read`, 'name a config.json, or the folder that holds it');
  if (named !== null) throw usageError(`${named} cannot be read`);
  const what =
    model.source === 'gguf' ? 'a GGUF file’s header is read by the server (--cluster)' : 'not on this machine';
  return { shape: null, message: `the configuration is not here (${what}): give it with --config path/to/config.json` };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function invalid(errors: readonly { path: string; message: string; fix?: string }[]): ProblemError {
  return new ProblemError({
    type: 'about:blank',
    title: 'The document has mistakes',
    status: 400,
    code: 'invalid-document',
    errors: [...errors],
  });
}

const LABEL = 40;
/** Columns that a term's title and size take. */
const TERM = 52;

export function estimateText(view: EstimateView, { color, columns }: Pick<Io, 'color' | 'columns'>, terms: boolean) {
  const rows = view.cells.map(({ label, memory }) =>
    memory === null
      ? [shortened(label, LABEL), '–', '–', '–', 'no estimate, see below']
      : [shortened(label, LABEL), ...Object.values(memory.peak).map(gib), fitText(memory)],
  );
  const headings = ['cell', 'allocated', 'reserved', 'process', 'smallest GPU that fits'];
  const aligned = headings.map((title, index) => ({
    title: color.dim(title),
    align: index > 0 && index < 4 ? ('right' as const) : ('left' as const),
  }));
  const without = [...new Set(view.cells.flatMap(({ memory, message }) => (memory === null ? [message ?? ''] : [])))];
  const misfits = view.cells.flatMap(({ label, memory }) =>
    memory?.doesNotFit ? [wrapped(`${label} ${memory.doesNotFit}`, columns())] : [],
  );
  const parts = [
    `${color.bold(view.name)}: peak GPU memory of ${counted(view.cells.length, 'cell')}, GiB per GPU`,
    table(aligned, rows),
    ...(without.length === 0
      ? []
      : [without.map((message) => wrapped(`no estimate: ${message}`, columns())).join('\n')]),
    ...misfits,
    ...notesTexts(view).map((text) => wrapped(text, columns())),
    ...marginsTexts(view).map((text) => color.dim(text)),
    ...(terms
      ? view.cells.flatMap(({ label, memory }) => (memory === null ? [] : [termsText(label, memory, color, columns())]))
      : []),
  ];
  return `${parts.join('\n\n')}\n`;
}

function fitText({ plan }: MemoryView): string {
  if (plan === null) return 'none';
  const sure =
    plan.probability === null ? `${Math.round(plan.free * 100)} % free` : `fits at ${percent(plan.probability)}`;
  return `${planText(plan)}, ${sure}`;
}

/** Never all or nothing: no estimate is that sure. */
function percent(probability: number): string {
  return `${Math.min(99, Math.max(1, Math.round(probability * 100)))} %`;
}

/** What holds for all cells once, what differs by cell with the first that it was said of. */
function notesTexts(view: EstimateView): readonly string[] {
  const first = new Map<string, string>();
  for (const { label, memory } of view.cells)
    for (const note of memory?.notes ?? []) {
      const kind = note.replaceAll(/\d+(?:\.\d+)?/g, '#');
      if (!first.has(kind)) first.set(kind, `${label}: ${note}`);
    }
  return [...first.values()];
}

/** Where the margins of the chosen classes come from, for those that trials were measured on. */
function marginsTexts(view: EstimateView): readonly string[] {
  const learned = view.cells.flatMap(({ memory }) =>
    memory?.plan && memory.plan.marginsFrom > 0
      ? [`${memory.plan.gpuClass}: margins from ${counted(memory.plan.marginsFrom, 'trial')} on this class`]
      : [],
  );
  return [...new Set(learned)];
}

function termsText(label: string, memory: MemoryView, color: Io['color'], width: number): string {
  const rows = memory.terms.map(({ title, bytes, source }) => [
    `  ${title}`,
    gib(bytes),
    color.dim(wrapped(source, Math.max(30, width - TERM))),
  ]);
  const { longestTokens, microBatch, attention, logits, trainer } = memory.assumptions;
  const assumed = `${microBatch} × ${longestTokens} tokens, ${attention} attention, ${logits} logits, trained by ${trainer}`;
  return [
    `${color.bold(label)}: the peak is where ${memory.moment}\n${color.dim(wrapped(assumed, width, '  '))}`,
    table(
      [{ title: color.dim('  term') }, { title: color.dim('GiB'), align: 'right' }, { title: color.dim('source') }],
      rows,
    ),
  ].join('\n');
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(2);
}
