/**
 * A node:test reporter: one line of JSON for each test that ended, suites left out.
 * @public node loads it by its path
 */
export default async function* count(source) {
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { name, file, skip, todo, details } = event.data;
    if (details?.type === 'suite') continue;
    const skipped = skip !== undefined && skip !== false ? skip : todo !== undefined && todo !== false ? todo : null;
    const reason = skipped === null ? null : skipped === true || skipped === '' ? 'no reason given' : skipped;
    const outcome = reason !== null ? 'skipped' : event.type === 'test:pass' ? 'passed' : 'failed';
    yield `${JSON.stringify({ name, file, outcome, reason })}\n`;
  }
}
