/** What `npm start` does once everything is installed, on a tiny model. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLaminaFolder, type LaminaFolder } from '../support/lamina-process.ts';
import { saveTinyModel, tinyDocument } from '../support/tiny.ts';

const START = fileURLToPath(new URL('../../services/standalone/src/start.ts', import.meta.url));

describe('npm start', () => {
  let folder: LaminaFolder;
  before(async () => {
    folder = await createLaminaFolder();
    await saveTinyModel(folder.path);
    const document = tinyDocument({ name: 'tiny', steps: 5, seeds: [1], maxParallel: 2, layers: ['all'] });
    writeFileSync(join(folder.path, 'tiny.yaml'), JSON.stringify(document));
    writeFileSync(join(folder.path, 'failing.yaml'), JSON.stringify({ ...document, model: 'nobody/no-such-model' }));
    writeFileSync(join(folder.path, 'mistaken.yaml'), JSON.stringify({ ...document, policy: { maxParallel: 0 } }));
  });
  after(async () => {
    await folder.remove();
  });

  function start(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [START, ...args], { cwd: folder.path, env: folder.environment });
      let out = '';
      let err = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        out += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        err += text;
      });
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, out, err }));
    });
  }

  test('runs the document, shows the comparison, and ends with 0', async () => {
    const { code, out, err } = await start('--file', 'tiny.yaml', '--once');
    assert.equal(code, 0, out + err);
    assert.match(out, /Training matrix/);
    assert.match(out, /nf4 · qlora ◆? /);
    assert.match(out, /2 of 2 trials measured\. /);
    assert.match(out, /Dashboard: http:\/\/127\.0\.0\.1:\d+/);
  });

  test('the same again measures nothing and says so; other seeds are measured', async () => {
    const same = await start('--file', 'tiny.yaml', '--once');
    assert.equal(same.code, 0, same.out + same.err);
    assert.match(same.out, /2 of 2 trials reused/);
    assert.ok(!same.out.includes('trials measured'));
    const others = await start('--file', 'tiny.yaml', '--seeds', '1,2', '--once');
    assert.match(others.out, /2 of 4 trials measured; 2 of 4 trials reused/);
  });

  test('a failed trial gives code 1, a mistaken document its mistakes and code 2', async () => {
    const failed = await start('--file', 'failing.yaml', '--once');
    assert.equal(failed.code, 1, failed.out + failed.err);
    assert.match(failed.out, /no-such-model/);
    const mistaken = await start('--file', 'mistaken.yaml', '--once');
    assert.equal(mistaken.code, 2, mistaken.out + mistaken.err);
    assert.match(mistaken.err, /policy\.maxParallel/);
  });

  test('where the folder is served already, that service is used and left running', async () => {
    const lamina = await folder.start();
    const { code, out, err } = await start('--file', 'tiny.yaml');
    assert.equal(code, 0, out + err);
    assert.ok(out.includes(`running at ${lamina.url} already`), out);
    assert.equal((await lamina.client.list({ limit: 1 })).items.length, 1);
    assert.equal(await lamina.stop(), 0);
  });
});
