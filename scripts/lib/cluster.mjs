import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { exec } from './exec.mjs';
import { paths, root } from './paths.mjs';

const MAIN = join(root, 'tests/cluster/main.ts');

/**
 * The cluster for the stages that test against it. It is left as it was found: one that was up stays up.
 * @param {(line: string) => void} say
 */
export function testCluster(say) {
  let ours = false;
  /** @type {Promise<string | null> | null} */
  let built = null;

  const tell = (command) =>
    new Promise((resolve) => {
      const child = spawn(paths.node, [MAIN, command], { stdio: ['ignore', 'pipe', 'pipe'] });
      let last = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text) => {
          last = text.trim() || last;
          say(text.trimEnd());
        });
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code) => resolve(code === 0 ? null : last));
    });
  const status = async () => JSON.parse(await exec(paths.node, [MAIN, 'status', '--json']));

  return {
    /** Starts to build what is missing, while other work goes on; nothing where no cluster can run. */
    build() {
      built ??= status().then(({ obstacle }) => (obstacle === null ? tell('build') : null));
      return built;
    },

    /** Answers why it is not up where it should be; where no cluster can run, tests say so themselves. */
    async up() {
      const failure = await this.build();
      if (failure !== null) return failure;
      const { up, obstacle } = await status();
      if (up || obstacle !== null) return null;
      ours = true;
      return tell('up');
    },

    async down() {
      if (ours) await tell('down');
    },
  };
}
