/** JSON Schema of the matrix, for editors. The matrix itself is read value by value by `readMatrix`. */
import { AXIS_NAMES, type AxisName, axisSchemas, MATRIX_DEFAULTS } from './axes.ts';
import { inputSchema, type JsonSchema } from './input.ts';

const MEANINGS: Partial<Record<AxisName, string>> = {
  model: "models, instead of the document's `model`",
  layers: 'depths: 12 keeps the first 12 decoder layers, "all" keeps all, or a strategy spelled out',
  precision: 'how base weights are stored',
  method: 'how weights are trained',
  seed: 'every cell is run once with each seed',
};

const oneOrMany = (schema: JsonSchema): JsonSchema => ({
  anyOf: [schema, { type: 'array', items: schema, minItems: 1 }],
});

const axes = Object.fromEntries(
  AXIS_NAMES.map((name) => [
    name,
    {
      description: MEANINGS[name] ?? `values of ${name}`,
      ...(name in MATRIX_DEFAULTS ? { default: MATRIX_DEFAULTS[name as keyof typeof MATRIX_DEFAULTS] } : {}),
      ...oneOrMany(inputSchema(axisSchemas[name])),
    },
  ]),
);

const condition: JsonSchema = { type: ['string', 'number', 'boolean', 'null', 'object'] };
const named = { type: 'object', propertyNames: { enum: AXIS_NAMES } } as const;

export const matrixSchema = {
  type: 'object',
  properties: {
    ...axes,
    include: {
      description:
        'further cells, each by its values; axes that it does not name take their first value, and all seeds',
      type: 'array',
      items: named,
      default: [],
    },
    exclude: {
      description: 'cells to leave out: those for which all conditions of an entry hold',
      type: 'array',
      items: { ...named, minProperties: 1, additionalProperties: oneOrMany(condition) },
      default: [],
    },
  },
  additionalProperties: false,
};

export const cellSchema = {
  type: 'object',
  properties: Object.fromEntries(
    AXIS_NAMES.filter((name) => name !== 'seed').map((name) => [name, inputSchema(axisSchemas[name])]),
  ),
  additionalProperties: false,
};
