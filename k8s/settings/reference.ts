/** The tables of docs/kubernetes/settings.md, from the schema. */
import { inputSchema, type JsonSchema } from '@lamina/domain/spec/input.ts';
import { extraVolume, gpuClass, kubernetesSettings } from './settings.ts';

/** Markdown tables by their names in the page. */
export function settingsTables(): Readonly<Record<string, string>> {
  return {
    settings: table(inputSchema(kubernetesSettings)),
    'gpu-class': table(inputSchema(gpuClass)),
    volume: table(inputSchema(extraVolume)),
  };
}

function table(schema: JsonSchema): string {
  const required = (schema.required ?? []) as readonly string[];
  const rows = Object.entries(propertiesOf(schema)).map(([name, property]) => {
    const fallback = required.includes(name) ? 'required' : defaultOf(property);
    return `| \`${name}\` | ${accepts(property)} | ${fallback} | ${property.description ?? ''} |`;
  });
  return ['| field | accepts | default | meaning |', '|---|---|---|---|', ...rows, ''].join('\n');
}

function defaultOf(schema: JsonSchema): string {
  return 'default' in schema ? `\`${JSON.stringify(schema.default)}\`` : '';
}

function accepts(schema: JsonSchema): string {
  if (typeof schema.title === 'string') return schema.title;
  const several = (schema.anyOf ?? schema.oneOf) as readonly JsonSchema[] | undefined;
  if (several !== undefined) return [...new Set(several.map(accepts))].join(', ');
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => `\`${value}\``).join(', ');
  switch (schema.type) {
    case 'object':
      return object(schema);
    case 'array':
      return `list of ${accepts((schema.items ?? {}) as JsonSchema)}`;
    case 'integer':
      return `whole number${least(schema)}`;
    case 'number':
      return `number${least(schema)}`;
    case 'boolean':
      return '`true`, `false`';
    case 'string':
      return 'text';
    default:
      return String(schema.type);
  }
}

/** `{ hostPath: absolute path }` for few fields; a longer one has a table of its own, or is Kubernetes' own. */
function object(schema: JsonSchema): string {
  const fields = Object.entries(propertiesOf(schema));
  if (fields.length === 0) return 'fields';
  if (fields.length > 2) return 'fields';
  return `{ ${fields.map(([name, property]) => `${name}: ${accepts(property)}`).join('; ')} }`;
}

function least({ minimum, exclusiveMinimum }: JsonSchema): string {
  if (typeof exclusiveMinimum === 'number') return ` > ${exclusiveMinimum}`;
  return typeof minimum === 'number' && minimum > Number.MIN_SAFE_INTEGER ? ` ≥ ${minimum}` : '';
}

function propertiesOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return (schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
}
