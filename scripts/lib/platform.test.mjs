import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkPlatform, UNSUPPORTED_EXIT } from './platform.mjs';

const scripts = fileURLToPath(new URL('..', import.meta.url));

test('Linux with glibc is where it runs', () => {
  checkPlatform({ platform: 'linux', glibc: '2.36' });
  checkPlatform();
});

for (const [machine, expected] of [
  [{ platform: 'darwin', glibc: null }, /This is macOS\..*virtual machine or container/],
  [{ platform: 'win32', glibc: null }, /This is Windows\..*WSL 2/],
  [{ platform: 'sunos', glibc: null }, /This is sunos\./],
  [{ platform: 'linux', glibc: null }, /Alpine has musl/],
]) {
  test(`${machine.platform} ${machine.glibc ?? 'without glibc'} is refused, with what works`, () => {
    assert.throws(() => checkPlatform(machine), { name: 'UnsupportedPlatform', message: expected });
  });
}

for (const script of ['start.mjs', 'setup.mjs', 'test.mjs']) {
  test(`${script} on macOS ends before anything is installed`, () => {
    const home = mkdtempSync(join(tmpdir(), 'lamina-platform-'));
    const pretend = "data:text/javascript,Object.defineProperty(process, 'platform', { value: 'darwin' })";
    const { status, stderr } = spawnSync(process.execPath, ['--import', pretend, join(scripts, script)], {
      env: { PATH: process.env.PATH, HOME: home, XDG_CACHE_HOME: join(home, 'cache'), LAMINA_DATA: join(home, 'data') },
      encoding: 'utf8',
      timeout: 30_000,
    });
    const left = readdirSync(home);
    rmSync(home, { recursive: true });
    assert.equal(status, UNSUPPORTED_EXIT, stderr);
    assert.match(stderr, /^Lamina runs on Linux with glibc, and nothing was installed\.\nThis is macOS/);
    assert.deepEqual(left, []);
  });
}
