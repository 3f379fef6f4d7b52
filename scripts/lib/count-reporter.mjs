/**
 * A node:test reporter: one line of JSON for each test that ended, suites left out.
 * @public node loads it by its path
 */
export default async function* count(source) {
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { name, file, skip, todo, details } = event.data;
    const skipped = [skip, todo].find((reason) => reason !== undefined && reason !== false) ?? null;
    // A suite is no test, but one that is skipped hides its tests.
    if (details?.type === 'suite' && skipped === null) continue;
    const reason = skipped === true || skipped === '' ? 'no reason given' : skipped;
    const outcome = reason !== null ? 'skipped' : event.type === 'test:pass' ? 'passed' : 'failed';
    const why = outcome === 'failed' ? whyOf(details?.error) : null;
    yield `${JSON.stringify({ name, file, outcome, reason, why })}\n`;
  }
}

const LINES = 12;

/** The beginning of what was thrown; node:test wraps it. */
function whyOf(error) {
  const thrown = error?.cause ?? error;
  return String(thrown?.stack ?? thrown ?? 'no reason given')
    .split('\n')
    .slice(0, LINES)
    .join('\n');
}
