import type { Comparison } from '@lamina/domain/results/types.ts';

const PLACE = /(<script[^>]*\bid="lamina-comparison"[^>]*>)[^<]*(<\/script>)/;

/** The page brings its scripts inline; the sandbox gives them no origin to act in. */
export const REPORT_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; " +
  'sandbox allow-scripts allow-downloads allow-popups';

/**
 * Puts the comparison into the report page. No `<` of the data survives, so nothing in it can close the script.
 *
 * @throws Error when the template has no place for it
 */
export function fillReport(template: string, comparison: Comparison): string {
  const data = JSON.stringify(comparison).replaceAll('<', '\\u003c');
  if (!PLACE.test(template)) throw new Error('the report template has no element for the comparison');
  return template.replace(PLACE, (_, open: string, close: string) => `${open}${data}${close}`);
}
