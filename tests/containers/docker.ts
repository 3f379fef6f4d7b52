/** Docker for tests: the daemon that answers already, or one of their own that ends with them. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FOLDERS } from '../cluster/layout.ts';
import { run, succeeds, until } from '../cluster/shell.ts';

/** Images and layers, kept from one run to the next. */
const DATA = join(FOLDERS.cache, 'docker');
const FORWARDING = '/proc/sys/net/ipv4/ip_forward';
const BRIDGE = 'docker0';
/** Tables that Docker writes into, as they are where nobody has: a machine may not have them yet. */
const EMPTY_TABLES = {
  filter: ':INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT',
  nat: ':PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT',
} as const;

/** Commands and the Debian packages that have them. */
const PACKAGES = { docker: 'docker.io', dockerd: 'docker.io', debootstrap: 'debootstrap' } as const;

const answers = (): Promise<boolean> => succeeds('docker', ['version']);

/** Why no images can be built and run here, with the remedy; null where they can. */
export async function dockerObstacle(): Promise<string | null> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'images for tests are made by root on Linux';
  const missing: string[] = [];
  for (const [command, package_] of Object.entries(PACKAGES))
    if (!(await succeeds('which', [command]))) missing.push(package_);
  return missing.length === 0
    ? null
    : `Docker or debootstrap missing: apt-get install -y ${[...new Set(missing)].join(' ')}`;
}

/** What programs started from now on find as Docker. `stop` leaves the machine as it was. */
export async function startDocker(): Promise<{ stop(): Promise<void> }> {
  // The reaper's image is in a registry. What the tests start they remove themselves.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
  if (await answers()) return { stop: async () => undefined };
  const state = mkdtempSync(join(tmpdir(), 'lamina-docker-'));
  mkdirSync(DATA, { recursive: true });
  const before = { rules: await firewallRules(), forwarding: readFileSync(FORWARDING, 'utf8') };
  const socket = `unix://${join(state, 'docker.sock')}`;
  const logFile = join(state, 'log');
  const log = openSync(logFile, 'a');
  const folders = ['--data-root', DATA, '--exec-root', join(state, 'run'), '--pidfile', join(state, 'pid')];
  const daemon = spawn('dockerd', [...folders, '--host', socket], { stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = new Promise<void>((resolve) => daemon.once('close', () => resolve()));
  process.env['DOCKER_HOST'] = socket;

  async function stop(): Promise<void> {
    delete process.env['DOCKER_HOST'];
    daemon.kill('SIGTERM');
    await ended;
    await run('iptables-restore', [], { input: before.rules });
    writeFileSync(FORWARDING, before.forwarding);
    if (existsSync(`/sys/class/net/${BRIDGE}`)) await run('ip', ['link', 'delete', BRIDGE]);
    rmSync(state, { recursive: true, force: true });
  }

  try {
    await until('Docker answers', 60, async () => daemon.exitCode === null && (await answers()), 200);
  } catch (error) {
    const said = readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n');
    await stop();
    throw new Error(`dockerd did not start: ${said}`, { cause: error });
  }
  return { stop };
}

async function firewallRules(): Promise<string> {
  const rules = await run('iptables-save', []);
  const absent = Object.entries(EMPTY_TABLES).filter(([table]) => !rules.includes(`*${table}\n`));
  return rules + absent.map(([table, chains]) => `*${table}\n${chains}\nCOMMIT\n`).join('');
}
