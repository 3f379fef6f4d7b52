/** The document's reference: JSON Schema for editors, and one table per section for `docs/experiment.md`. */
import { layerTable } from '../contract/layer-strategies.ts';
import { experimentDocument } from './document.ts';
import { inputSchema, type JsonSchema } from './input.ts';

export function documentSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Lamina experiment',
    ...inputSchema(experimentDocument),
  };
}

/** Markdown tables by section; `document` holds the fields of the document itself. */
export function referenceTables(): Readonly<Record<string, string>> {
  const fields = propertiesOf(documentSchema());
  const sections = Object.entries(fields).filter(
    ([name]) => !['model', 'dataset', 'baseline', 'labels'].includes(name),
  );
  return {
    document: table(documentSchema()),
    layers: layerTable(),
    ...Object.fromEntries(
      sections.flatMap(([name, schema]) => {
        const section = sectionOf(schema);
        return section === null ? [] : [[name, table(section)] as const];
      }),
    ),
  };
}

const MARKED = /(<!-- table: ([\w-]+) -->\n)[^]*?(<!-- end -->)/g;

/** Replaces the tables of a page, each between `<!-- table: NAME -->` and `<!-- end -->`. */
export function withTables(page: string, tables: Readonly<Record<string, string>>): string {
  return page.replace(MARKED, (_, start: string, name: string, end: string) => {
    const content = tables[name];
    if (content === undefined) throw new Error(`a page asks for a table that does not exist: ${name}`);
    return `${start}\n${content}\n${end}`;
  });
}

function table(schema: JsonSchema): string {
  const required = (schema.required ?? []) as readonly string[];
  const own = Object.entries(propertiesOf(schema)).filter(([name]) => !name.includes('.'));
  const rows = own.flatMap(([name, property]) => rowsOf(name, property, required));
  return ['| field | accepts | default | meaning |', '|---|---|---|---|', ...rows, ''].join('\n');
}

const GROUPS: readonly string[] = ['backoff', 'pruner'];

/** A field's row; a group within a section has a row per field of its own. */
function rowsOf(name: string, schema: JsonSchema, required: readonly string[]): readonly string[] {
  const group = GROUPS.includes(name) ? sectionOf(schema) : null;
  const inner = Object.entries(propertiesOf(group ?? {})).flatMap(([key, property]) =>
    rowsOf(`${name}.${key}`, property, []),
  );
  if (group === schema) return inner;
  const fallback = required.includes(name) ? 'required' : defaultOf(schema);
  return [
    `| \`${name}\` | ${escaped(accepts(schema))} | ${escaped(fallback)} | ${escaped(String(schema.description ?? ''))} |`,
    ...inner,
  ];
}

function defaultOf(schema: JsonSchema): string {
  if (!('default' in schema) || isGroup(schema)) return '';
  return `\`${JSON.stringify(schema.default)}\``;
}

function accepts(schema: JsonSchema): string {
  if (Array.isArray(schema.anyOf)) return [...new Set((schema.anyOf as JsonSchema[]).map(accepts))].join(', ');
  if (Array.isArray(schema.oneOf)) return [...new Set((schema.oneOf as JsonSchema[]).map(accepts))].join(', ');
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if ('const' in schema) return `\`${schema.const}\``;
  if (Array.isArray(schema.type)) return schema.type.map((type) => accepts({ ...schema, type })).join(', ');
  switch (schema.type) {
    case 'integer':
      return `whole number${bounds(schema)}`;
    case 'number':
      return `number${bounds(schema)}`;
    case 'string':
      return typeof schema.pattern === 'string' ? quantity(schema.pattern) : 'text';
    case 'boolean':
      return '`true`, `false`';
    case 'array':
      return `list of ${accepts((schema.items ?? {}) as JsonSchema)}`;
    case 'object':
      return 'fields';
    default:
      return String(schema.type ?? '');
  }
}

function quantity(pattern: string): string {
  return pattern.includes('GiB') ? '`"16GiB"`, `"16GB"`, …' : '`"90s"`, `"30m"`, `"2h"`, `"1d"`';
}

function bounds(schema: JsonSchema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema as Record<string, number | undefined>;
  const parts = [
    minimum === undefined ? null : `≥ ${minimum}`,
    exclusiveMinimum === undefined ? null : `> ${exclusiveMinimum}`,
    maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? null : `≤ ${maximum}`,
    exclusiveMaximum === undefined ? null : `< ${exclusiveMaximum}`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? '' : ` ${parts.join(', ')}`;
}

/** The object schema behind a section, also where it may be null. */
function sectionOf(schema: JsonSchema): JsonSchema | null {
  if (isGroup(schema)) return schema;
  return ((schema.anyOf ?? []) as JsonSchema[]).find(isGroup) ?? null;
}

function isGroup(schema: JsonSchema): boolean {
  return schema.type === 'object' && 'properties' in schema;
}

function propertiesOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return (schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|');
}
