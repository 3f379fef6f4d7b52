/** Images made from folders: no registry, no Docker. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binary } from './build.ts';
import { IMAGES, paths } from './layout.ts';
import { run } from './shell.ts';

interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
}

/** Archives that `ctr images import` takes. */
export async function makeImages(): Promise<readonly string[]> {
  mkdirSync(paths.images, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'lamina-images-'));
  try {
    return await Promise.all([
      image(scratch, 'pause', { Entrypoint: ['/pause'], User: '65535:65535' }, (root) => {
        copyFileSync(binary('pause'), join(root, 'pause'));
      }),
      image(scratch, 'busybox', { Cmd: ['/bin/sh'], Env: ['PATH=/bin'], WorkingDir: '/' }, async (root) => {
        for (const folder of ['bin', 'etc', 'root', 'proc', 'sys', 'dev']) mkdirSync(join(root, folder));
        temporary(root);
        cpSync('/bin/busybox', join(root, 'bin/busybox'), { dereference: true });
        for (const applet of (await run('/bin/busybox', ['--list'])).trim().split('\n')) {
          if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
        }
        users(root);
      }),
      image(scratch, 'trainer', { Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'HOME=/tmp'], User: '65532' }, (root) => {
        for (const folder of ['usr', 'etc', 'proc', 'sys', 'dev']) mkdirSync(join(root, folder));
        temporary(root);
        for (const folder of ['bin', 'lib', 'lib64', 'sbin']) symlinkSync(`usr/${folder}`, join(root, folder));
        users(root);
      }),
    ]);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function temporary(root: string): void {
  mkdirSync(join(root, 'tmp'));
  chmodSync(join(root, 'tmp'), 0o1777);
}

function users(root: string): void {
  const passwd = ['root:x:0:0:root:/root:/bin/sh', 'trainer:x:65532:65532:trainer:/tmp:/bin/sh'];
  writeFileSync(join(root, 'etc/passwd'), `${passwd.join('\n')}\n`);
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\ntrainer:x:65532:\n');
}

async function image(
  scratch: string,
  name: keyof typeof IMAGES,
  config: ImageConfig,
  fill: (root: string) => void | Promise<void>,
): Promise<string> {
  const folder = join(scratch, name);
  const root = join(folder, 'root');
  mkdirSync(root, { recursive: true });
  await fill(root);
  const owner = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  await run('tar', [...owner, '-C', root, '-cf', join(folder, 'layer.tar'), '.']);
  const digest = createHash('sha256')
    .update(readFileSync(join(folder, 'layer.tar')))
    .digest('hex');
  const description = {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(description));
  const manifest = [{ Config: 'config.json', RepoTags: [IMAGES[name]], Layers: ['layer.tar'] }];
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  const archive = join(paths.images, `${name}.tar`);
  await run('tar', ['-C', folder, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar']);
  return archive;
}
