import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findPython } from './python.mjs';

let folder;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamina-python-'));
});
after(() => rmSync(folder, { recursive: true }));

/** A Python that says what it is told to say. */
function pretend(name, answer) {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\necho "${answer}"\n`);
  chmodSync(file, 0o755);
  return file;
}

test('the Python that is named is taken', () => {
  const path = pretend('good', '/opt/python 3.12.4 True');
  assert.deepEqual(findPython({ LAMINA_PYTHON: path }), { path: '/opt/python', version: '3.12.4', pip: true });
});

for (const [what, answer, expected] of [
  ['too old', '/usr/bin/python3 3.9.2 True', /is 3\.9\.2/],
  ['too new for the wheels', '/usr/bin/python3 3.19.0 True', /is 3\.19\.0/],
  ['without pip', '/usr/bin/python3 3.11.2 False', /3\.11\.2 without pip/],
]) {
  test(`one that is ${what} is refused, with what to do`, () => {
    const path = pretend('bad', answer);
    assert.throws(
      () => findPython({ LAMINA_PYTHON: path }),
      (error) => expected.test(error.message) && /apt-get install python3/.test(error.message),
    );
  });
}

test('none at all: the message says what is needed', () => {
  assert.throws(() => findPython({ LAMINA_PYTHON: join(folder, 'none') }), /Python 3\.11 to 3\.13 with pip is needed/);
});
