import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DirectoryLocked, lockDirectory } from './lock.ts';

const HOLDER = `
  const { lockDirectory } = await import(${JSON.stringify(new URL('./lock.ts', import.meta.url).href)});
  lockDirectory(process.argv[1]);
  console.log('locked');
  setInterval(() => {}, 1000);`;

test('a folder belongs to one process, and is free again after kill -9', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lamina-lock-'));
  const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(holder.stdout, 'data');
    assert.throws(() => lockDirectory(folder), DirectoryLocked);
    const ended = once(holder, 'exit');
    holder.kill('SIGKILL');
    await ended;
    const lock = lockDirectory(folder);
    assert.throws(() => lockDirectory(folder), DirectoryLocked);
    lock.release();
    lockDirectory(folder).release();
  } finally {
    holder.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
});
