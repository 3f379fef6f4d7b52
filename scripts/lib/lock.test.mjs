import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { exclusively } from './lock.mjs';

const folder = mkdtempSync(join(tmpdir(), 'lamina-lock-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('one at a time; who waits is told once, and what fails lets go', async () => {
  const path = join(folder, 'deep', 'one');
  const order = [];
  let waits = 0;
  const turn = (name) =>
    exclusively(
      path,
      () => {
        waits += 1;
      },
      async () => {
        order.push(`${name} begins`);
        await sleep(100);
        order.push(`${name} ends`);
        if (name === 'a') throw new Error('a fails');
      },
    );
  const [first, second] = await Promise.allSettled([turn('a'), turn('b')]);
  assert.deepEqual([first.status, second.status], ['rejected', 'fulfilled']);
  assert.deepEqual(order, ['a begins', 'a ends', 'b begins', 'b ends']);
  assert.equal(waits, 1);
  assert.ok(!existsSync(path));
});

test('another process has it until it is let go', async () => {
  const path = join(folder, 'two');
  const script = `import { exclusively } from ${JSON.stringify(new URL('lock.mjs', import.meta.url).href)};
    await exclusively(${JSON.stringify(path)}, () => {}, async () => { console.log('mine'); await new Promise((r) => setTimeout(r, 800)); });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  let waited = false;
  await exclusively(
    path,
    () => {
      waited = true;
    },
    async () => undefined,
  );
  assert.ok(waited);
});

test('what a dead process left is taken over', async () => {
  const path = join(folder, 'three');
  mkdirSync(path);
  const before = new Date(Date.now() - 60_000);
  utimesSync(path, before, before);
  let ran = false;
  await exclusively(
    path,
    () => undefined,
    async () => {
      ran = true;
    },
  );
  assert.ok(ran);
});
