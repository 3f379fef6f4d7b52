/** The project's images, on a base that needs no registry: Debian by debootstrap, with this machine's Node and npm. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GenericContainer } from 'testcontainers';
import { run, succeeds } from '../cluster/shell.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
/** Builds fetch packages through whatever this machine trusts. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
/** A place that no package writes to. */
const CERTIFICATES_IN_IMAGE = '/etc/trusted-by-the-host.crt';

export const SERVICES = ['api', 'worker', 'cli'] as const;
export const imageOf = (name: (typeof SERVICES)[number] | 'postgres'): string => `lamina.test/${name}:1`;

/** Builds the images of the services, and one of Postgres; quick where nothing has changed. */
export async function buildImages(): Promise<{ readonly base: string }> {
  const base = await baseImage();
  const build = (context: string, file: string, target?: string) => {
    const builder = GenericContainer.fromDockerfile(context, file).withBuildArgs({ BASE_IMAGE: base });
    return target === undefined ? builder : builder.withTarget(target);
  };
  const keep = { deleteOnExit: false };
  // One after the other: they share most of their layers.
  for (const name of SERVICES) await build(REPOSITORY, 'services/Dockerfile', name).build(imageOf(name), keep);
  await build(import.meta.dirname, 'postgres.Dockerfile').build(imageOf('postgres'), keep);
  return { base };
}

async function baseImage(): Promise<string> {
  const npm = resolve(dirname(realpathSync((await run('which', ['npm'])).trim())), '..');
  const trusted = existsSync(CERTIFICATES) ? readFileSync(CERTIFICATES) : '';
  const { version } = JSON.parse(readFileSync(join(npm, 'package.json'), 'utf8'));
  const content = createHash('sha256').update(process.version).update(version).update(trusted).digest('hex');
  const image = `lamina.test/node:${process.version}-${content.slice(0, 12)}`;
  if (await succeeds('docker', ['image', 'inspect', image])) return image;
  const scratch = mkdtempSync(join(tmpdir(), 'lamina-base-'));
  const root = join(scratch, 'root');
  const archive = join(scratch, 'root.tar');
  try {
    await run('debootstrap', ['--variant=minbase', 'bookworm', root]);
    const modules = join(root, 'usr/local/lib/node_modules');
    mkdirSync(modules, { recursive: true });
    cpSync(npm, join(modules, 'npm'), { recursive: true });
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'));
    copyFileSync(process.execPath, join(root, 'usr/local/bin/node'));
    if (trusted !== '') copyFileSync(CERTIFICATES, join(root, CERTIFICATES_IN_IMAGE));
    await run('tar', ['-C', root, '--exclude=./var/cache/apt/archives/*.deb', '-cf', archive, '.']);
    const environment = ['NODE_EXTRA_CA_CERTS', 'PIP_CERT'].map(
      (name) => `--change=ENV ${name}=${CERTIFICATES_IN_IMAGE}`,
    );
    await run('docker', ['import', ...(trusted === '' ? [] : environment), archive, image]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return image;
}
