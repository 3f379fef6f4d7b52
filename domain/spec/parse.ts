/** Reads an experiment document and says everything that is wrong with it at once. */

import { hasAdapters } from '../vocabulary/methods.ts';
import type { Matrix } from './axes.ts';
import { crossChecks } from './checks.ts';
import { type ExperimentDocument, experimentDocument, lora as loraSchema } from './document.ts';
import { isRecord, readCell, readMatrix } from './matrix.ts';
import { check, described, type Issue, issue, unknownKey } from './problems.ts';
import { readText } from './text.ts';

export type { Issue } from './problems.ts';

/** Most mistakes that are listed one by one. */
const MAX_ISSUES = 200;

export type ParsedDocument =
  | {
      readonly ok: true;
      readonly document: ExperimentDocument;
      /** What is allowed but probably not meant. */
      readonly warnings: readonly Issue[];
    }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/**
 * From YAML or JSON text, or from parsed JSON, to a document with every default filled in.
 * A document that came from here parses to itself.
 */
export function parseDocument(input: string | object): ParsedDocument {
  const read = typeof input === 'string' ? readText(input) : { value: input };
  if ('issues' in read) return { ok: false, issues: read.issues };
  if (!isRecord(read.value)) {
    const fix = 'start from examples/quickstart.yaml';
    return { ok: false, issues: [issue([], `must be a mapping of fields, got ${described(read.value)}`, fix)] };
  }
  const given = read.value;
  const issues: Issue[] = [];
  const sections = readSections(given, issues);
  const { matrix, sound } = readMatrix(given.matrix, issues);
  const baseline = readCell(given.baseline, ['baseline'], issues);
  const found = crossChecks({ document: sections, matrix, baseline, sound, given });
  issues.push(...found.issues);
  if (issues.length > 0) return { ok: false, issues: shortened(issues) };
  const lora = sections.lora ?? (trainsAdapters(matrix) ? loraSchema.parse({}) : null);
  const search = withObjectives(sections as ExperimentDocument);
  const document = inOrder({ ...(sections as ExperimentDocument), lora, matrix, baseline, search });
  return { ok: true, document, warnings: found.warnings };
}

/**
 * A document of the store as it was accepted: settings that there were none of then keep the meaning that they had,
 * whatever is the default of new documents.
 */
export function asAccepted(document: object): object {
  const { training } = document as { readonly training?: object };
  return { ...document, training: { masterWeights: 'none', ...training } };
}

export function parseStored(document: object): ParsedDocument {
  return parseDocument(asAccepted(document));
}

function withObjectives({ search, objective }: ExperimentDocument): ExperimentDocument['search'] {
  return search === null ? null : { ...search, objectives: search.objectives ?? [objective.metric] };
}

function shortened(issues: readonly Issue[]): readonly Issue[] {
  if (issues.length <= MAX_ISSUES) return issues;
  return [...issues.slice(0, MAX_ISSUES), issue([], `has ${issues.length - MAX_ISSUES} further mistakes`)];
}

function trainsAdapters({ method, include }: Matrix): boolean {
  return [method, ...include.map((entry) => entry.method ?? [])].flat().some(hasAdapters);
}

/** Every section but the matrix, each on its own: a mistake in one does not hide those of another. */
function readSections(input: Record<string, unknown>, issues: Issue[]): Partial<ExperimentDocument> {
  const sections: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(experimentDocument.shape)) {
    if (key === 'matrix' || key === 'baseline') continue;
    const read = check(schema, input[key], [key]);
    if ('issues' in read) issues.push(...read.issues);
    else sections[key] = read.value;
  }
  const known = Object.keys(experimentDocument.shape);
  for (const key of Object.keys(input)) {
    if (known.includes(key)) continue;
    const { message, fix } = unknownKey(key, known);
    issues.push(issue([key], message, fix));
  }
  return sections as Partial<ExperimentDocument>;
}

function inOrder(document: ExperimentDocument): ExperimentDocument {
  const keys = Object.keys(experimentDocument.shape) as (keyof ExperimentDocument)[];
  return Object.fromEntries(keys.map((key) => [key, document[key]])) as unknown as ExperimentDocument;
}
