/** The comparison's tables by the names that people give on the command line and in a query. */
export const COMPARISON_TABLES = [
  'matrix',
  'cost',
  'inference',
  'depth',
  'bits',
  'gguf',
  'tasks',
  'search',
  'switching',
] as const;
export type ComparisonTable = (typeof COMPARISON_TABLES)[number];
